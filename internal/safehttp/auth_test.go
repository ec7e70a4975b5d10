package safehttp_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// echoAuth answers with the Authorization it got.
func echoAuth(t *testing.T) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	})
}

// tokenServer answers the n-th request, counted from 1.
func tokenServer(t *testing.T, answer func(n int32, w http.ResponseWriter, r *http.Request)) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer(asked.Add(1), w, r)
	}) + "/token", asked
}

func credentials(tokenURL string) models.Auth {
	return models.Auth{
		Type: models.AuthOAuth2, TokenURL: tokenURL, ClientID: "posthaste", ClientSecret: "hush", Scopes: []string{"a", "b"},
	}
}

func grantToken(w http.ResponseWriter, n int32, expiresIn int) {
	_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, n, expiresIn)
}

func sendWith(t *testing.T, c *safehttp.Client, url string, auth models.Auth) models.Exchange {
	t.Helper()
	return sendRequest(t, c, safehttp.Request{
		URL: url, Body: []byte("{}"), Timeout: 5 * time.Second, Auth: auth,
		Header: http.Header{"Authorization": {"their own"}},
	})
}

func TestAuth(t *testing.T) {
	t.Parallel()
	url := echoAuth(t)
	for _, tt := range []struct {
		auth models.Auth
		want string
	}{
		{models.Auth{}, "their own"},
		{models.Auth{Type: models.AuthNone}, "their own"},
		{models.Auth{Type: models.AuthBasic, Username: "Aladdin", Password: "open sesame"}, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, // RFC 7617 §2
		{models.Auth{Type: models.AuthBearer, Token: "mF_9.B5f-4.1JqM"}, "Bearer mF_9.B5f-4.1JqM"},                                // RFC 6750 §2.1
	} {
		require.Equal(t, tt.want, string(sendWith(t, newClient(t), url, tt.auth).Body))
	}
	_, err := newClient(t).Send(t.Context(), safehttp.Request{URL: url, Auth: models.Auth{Type: "digest"}})
	require.ErrorContains(t, err, "unknown")
}

func TestAccessToken(t *testing.T) {
	t.Parallel()

	t.Run("is fetched once and used until it is about to expire", func(t *testing.T) {
		t.Parallel()
		receiver := echoAuth(t)
		tokenURL, asked := tokenServer(t, func(n int32, w http.ResponseWriter, r *http.Request) {
			id, secret, _ := r.BasicAuth()
			if id != "posthaste" || secret != "hush" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "a b" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			grantToken(w, n, 3600)
		})
		c := newClient(t)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				x, err := c.Send(t.Context(), safehttp.Request{URL: receiver, Timeout: 5 * time.Second, Auth: credentials(tokenURL)})
				if err != nil || string(x.Body) != "Bearer token-1" {
					t.Errorf("got %q, %q, %v", x.Body, x.Error, err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, asked.Load())

		other := credentials(tokenURL)
		other.Scopes = []string{"a b"} // the same words on the wire, other credentials
		require.Equal(t, "Bearer token-2", string(sendWith(t, c, receiver, other).Body))
	})

	t.Run("that is about to expire is fetched again", func(t *testing.T) {
		t.Parallel()
		receiver := echoAuth(t)
		tokenURL, _ := tokenServer(t, func(n int32, w http.ResponseWriter, _ *http.Request) { grantToken(w, n, 5) })
		c := newClient(t)
		require.Equal(t, "Bearer token-1", string(sendWith(t, c, receiver, credentials(tokenURL)).Body))
		require.Equal(t, "Bearer token-2", string(sendWith(t, c, receiver, credentials(tokenURL)).Body))
	})

	t.Run("that the receiver refuses is fetched again for the next attempt", func(t *testing.T) {
		t.Parallel()
		receiver := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer token-2" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		tokenURL, asked := tokenServer(t, func(n int32, w http.ResponseWriter, _ *http.Request) { grantToken(w, n, 3600) })
		c := newClient(t)
		require.Equal(t, models.ErrorStatus, sendWith(t, c, receiver, credentials(tokenURL)).ErrorClass)
		require.Empty(t, sendWith(t, c, receiver, credentials(tokenURL)).Error)
		require.Empty(t, sendWith(t, c, receiver, credentials(tokenURL)).Error)
		require.EqualValues(t, 2, asked.Load())
	})

	t.Run("may be asked for with the credentials in the form", func(t *testing.T) {
		t.Parallel()
		tokenURL, _ := tokenServer(t, func(n int32, w http.ResponseWriter, r *http.Request) {
			if r.FormValue("client_secret") != "hush" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			grantToken(w, n, 0)
		})
		require.Equal(t, "Bearer token-2", string(sendWith(t, newClient(t), echoAuth(t), credentials(tokenURL)).Body))
	})

	t.Run("is fetched with the certificates of the subscription", func(t *testing.T) {
		t.Parallel()
		ca := newAuthority(t)
		tokenURL := secureServer(t, ca, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			grantToken(w, 1, 0)
		})
		r := safehttp.Request{URL: echoAuth(t), Auth: credentials(tokenURL), TLS: models.TLS{CA: ca.pem}}
		require.Equal(t, "Bearer token-1", string(sendRequest(t, newClient(t), r).Body))
	})
}

func TestTokenEndpointFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		words  string
	}{
		"refuses": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"hush is wrong"}`)
		}, "answered 401 Unauthorized (invalid_client)"},
		"repeats the secret": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"hush"}`)
		}, "answered 400 Bad Request"},
		"fails with the secret": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "hush "+r.Header.Get("Authorization"))
		}, "answered 500 Internal Server Error"},
		"redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/hush", http.StatusTemporaryRedirect)
		}, "answered 307 Temporary Redirect"},
		"answers something else": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hush")
		}, "its answer is not one of RFC 6749 §5.1"},
		"answers without a token": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"token_type":"bearer","hush":1}`)
		}, "its answer is not one of RFC 6749 §5.1"},
		"gives another type": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"t","token_type":"hush"}`)
		}, "its tokens are of a type other than bearer"},
		"gives a header injection": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"hush\r\nX-Injected: 1"}`)
		}, "what it gave does not fit in a header"},
		"gives an endless token": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"`+strings.Repeat("x", 20_000)+`"}`)
		}, "what it gave does not fit in a header"},
		"gives an endless answer": {func(w http.ResponseWriter, _ *http.Request) {
			for filler := strings.Repeat("hush", 1024); ; {
				if _, err := io.WriteString(w, filler); err != nil {
					return
				}
			}
		}, "its answer is not one of RFC 6749 §5.1"},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		}, "no answer within 1s (waiting for the first byte)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var visits atomic.Int32
			receiver := serve(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
			tokenURL, _ := tokenServer(t, func(_ int32, w http.ResponseWriter, r *http.Request) { tt.answer(w, r) })
			x := sendRequest(t, newClient(t), safehttp.Request{URL: receiver, Timeout: time.Second, Auth: credentials(tokenURL)})
			require.Equal(t, models.ErrorAuth, x.ErrorClass, x.Error)
			require.Equal(t, "no access token from the token endpoint: "+tt.words, x.Error)
			require.NotContains(t, x.Error, "hush")
			require.Zero(t, x.Status)
			require.Zero(t, visits.Load())
		})
	}

	t.Run("cannot be reached", func(t *testing.T) {
		t.Parallel()
		listener := listen(t)
		require.NoError(t, listener.Close())
		tokenURL := "http://" + listener.Addr().String() + "/?key=hush"
		x := sendWith(t, newClient(t), echoAuth(t), credentials(tokenURL))
		require.Equal(t, models.ErrorAuth, x.ErrorClass)
		require.Contains(t, x.Error, "token endpoint: no connection (connecting): connection refused")
		require.NotContains(t, x.Error, "hush")
	})

	t.Run("is not public", func(t *testing.T) {
		t.Parallel()
		c := newClientWith(t, safehttp.Options{Allow: allow(t, "127.0.0.1")})
		for _, target := range []string{"http://127.0.0.2/token", "http://169.254.169.254/latest", "http://0x7f.1/"} {
			x := sendWith(t, c, echoAuth(t), credentials(target))
			require.Equal(t, models.ErrorBlocked, x.ErrorClass, x.Error)
			require.Contains(t, x.Error, safehttp.AllowSetting)
		}
	})

	t.Run("is slow for somebody else", func(t *testing.T) {
		t.Parallel()
		entered := make(chan struct{})
		tokenURL, _ := tokenServer(t, func(n int32, _ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			if n == 1 {
				close(entered)
			}
			<-r.Context().Done()
		})
		c, receiver := newClient(t), echoAuth(t)
		var first sync.WaitGroup
		first.Go(func() {
			_, _ = c.Send(t.Context(), safehttp.Request{URL: receiver, Timeout: time.Second, Auth: credentials(tokenURL)})
		})
		<-entered
		x := sendRequest(t, c, safehttp.Request{URL: receiver, Timeout: 100 * time.Millisecond, Auth: credentials(tokenURL)})
		require.Equal(t, models.ErrorAuth, x.ErrorClass)
		require.Contains(t, x.Error, "no answer within 100ms")
		first.Wait()
	})
}
