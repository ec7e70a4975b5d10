package safehttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

func TestSend(t *testing.T) {
	t.Parallel()

	t.Run("posts the body and the headers and keeps the answer", func(t *testing.T) {
		t.Parallel()
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Echo", r.Method+" "+r.Header.Get("Content-Type")+" "+string(body))
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "thanks")
		})
		x := send(t, newClient(t), url, time.Second*5)
		require.Empty(t, x.ErrorClass, x.Error)
		require.Equal(t, http.StatusAccepted, x.Status)
		require.Equal(t, `POST application/json {"a":1}`, x.Header.Get("X-Echo"))
		require.Equal(t, "thanks", string(x.Body))
		require.False(t, x.Cut)
		require.Positive(t, x.Timing.Connect)
		require.GreaterOrEqual(t, x.Timing.Total, x.Timing.FirstByte)
	})

	t.Run("only 2xx is success", func(t *testing.T) {
		t.Parallel()
		c := newClient(t)
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			status := 0
			for _, digit := range strings.Trim(r.URL.Path, "/") {
				status = status*10 + int(digit-'0')
			}
			w.WriteHeader(status)
		})
		for status, class := range map[string]models.ErrorClass{
			"200": "", "204": "", "299": "", "300": models.ErrorRedirect, "304": models.ErrorRedirect,
			"400": models.ErrorStatus, "410": models.ErrorStatus, "429": models.ErrorStatus, "503": models.ErrorStatus,
		} {
			x := send(t, c, url+"/"+status, 5*time.Second)
			require.Equal(t, class, x.ErrorClass, status)
			require.Equal(t, class != "", strings.Contains(x.Error, status), x.Error)
		}
	})

	t.Run("does not follow a redirect", func(t *testing.T) {
		t.Parallel()
		var visits atomic.Int32
		other := serve(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other, http.StatusTemporaryRedirect)
		})
		x := send(t, newClient(t), url, 5*time.Second)
		require.Equal(t, models.ErrorRedirect, x.ErrorClass)
		require.Equal(t, other, x.Header.Get("Location"))
		require.Zero(t, visits.Load())
	})

	t.Run("refuses an address that is not public, naming it and the setting", func(t *testing.T) {
		t.Parallel()
		var visits atomic.Int32
		url := serve(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
		x := send(t, strictClient(t), url, 5*time.Second)
		require.Equal(t, models.ErrorBlocked, x.ErrorClass)
		require.Contains(t, x.Error, "127.0.0.1")
		require.Contains(t, x.Error, safehttp.AllowSetting)
		require.Zero(t, visits.Load())
	})

	t.Run("gives up after the timeout and says where it waited", func(t *testing.T) {
		t.Parallel()
		url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body) // only then does the server notice that we hang up
			<-r.Context().Done()
		})
		x := send(t, newClient(t), url, 200*time.Millisecond)
		require.Equal(t, models.ErrorTimeout, x.ErrorClass)
		require.Contains(t, x.Error, "waiting for the first byte")
	})

	t.Run("keeps a bounded part of an endless answer", func(t *testing.T) {
		t.Parallel()
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for r := strings.Repeat("é", 4096); ; {
				if _, err := io.WriteString(w, r); err != nil {
					return
				}
			}
		})
		x := send(t, newClient(t), url, 5*time.Second)
		require.Empty(t, x.ErrorClass)
		require.True(t, x.Cut)
		require.Len(t, x.Body, models.MaxResponse)
		require.True(t, utf8.Valid(x.Body))
	})

	t.Run("does not expand a compressed answer", func(t *testing.T) {
		t.Parallel()
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Accept-Encoding", r.Header.Get("Accept-Encoding"))
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "not really gzip")
		})
		x := send(t, newClient(t), url, 5*time.Second)
		require.Empty(t, x.Header.Get("X-Accept-Encoding"))
		require.Equal(t, "not really gzip", string(x.Body))
	})
}

func TestSendWithoutAnswer(t *testing.T) {
	t.Parallel()

	t.Run("a refused connection is a connect failure", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		url := "http://" + listener.Addr().String()
		require.NoError(t, listener.Close())
		x := send(t, newClient(t), url+"/?token=hidden", 5*time.Second)
		require.Equal(t, models.ErrorConnect, x.ErrorClass)
		require.Contains(t, x.Error, "refused")
		require.NotContains(t, x.Error, "hidden")
	})

	t.Run("a name that does not resolve is a DNS failure", func(t *testing.T) {
		t.Parallel()
		x := send(t, newClient(t), "http://no-such-host.invalid/", 5*time.Second)
		require.Equal(t, models.ErrorDNS, x.ErrorClass)
		require.Contains(t, x.Error, "no-such-host.invalid")
	})

	t.Run("a certificate nobody vouches for is a TLS failure", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(server.Close)
		x := send(t, newClient(t), server.URL, 5*time.Second)
		require.Equal(t, models.ErrorTLS, x.ErrorClass)
		require.Contains(t, x.Error, "certificate")
	})

	t.Run("what is not HTTP is a protocol failure", func(t *testing.T) {
		t.Parallel()
		x := send(t, newClient(t), rawServer(t, "220 smtp ready\r\n\r\n"), 5*time.Second)
		require.Equal(t, models.ErrorProtocol, x.ErrorClass)
	})

	t.Run("headers without end are a protocol failure", func(t *testing.T) {
		t.Parallel()
		huge := "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("x", 1000)+"\r\n", 1000)
		x := send(t, newClient(t), rawServer(t, huge), 5*time.Second)
		require.Equal(t, models.ErrorProtocol, x.ErrorClass)
	})

	t.Run("our own end is an error, not the receiver's failure", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		_, err := newClient(t).Send(ctx, safehttp.Request{URL: url, Timeout: 5 * time.Second})
		require.ErrorIs(t, err, context.Canceled)
	})
}
