package safehttp_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// proxy answers plain requests itself and takes CONNECT to any name to one address.
func proxy(t *testing.T, target string, visits *atomic.Int32) *url.URL {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "proxied "+r.URL.String())
			return
		}
		out, err := net.Dial("tcp", target)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		in, _, _ := http.NewResponseController(w).Hijack()
		_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	return u
}

func TestProxy(t *testing.T) {
	t.Parallel()

	t.Run("is not taken from the environment", func(t *testing.T) {
		t.Parallel()
		// ProxyFromEnvironment never proxies loopback, so the proof is in the code: nothing but Options names one.
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) })
		require.Equal(t, "/a", string(send(t, newClient(t), url+"/a", 5*time.Second).Body))
	})

	t.Run("needs no leave itself and is asked for public targets only", func(t *testing.T) {
		t.Parallel()
		var visits atomic.Int32
		c := newClientWith(t, safehttp.Options{
			Proxy: proxy(t, "", &visits), Resolver: resolver(t, func(n int) []string {
				if n == 1 {
					return []string{"93.184.216.34"}
				}
				return []string{"10.0.0.1"}
			}),
		})
		x := send(t, c, "http://hooks.example.test/a", 5*time.Second)
		require.Equal(t, "proxied http://hooks.example.test/a", string(x.Body), x.Error)
		for _, target := range []string{"http://hooks.example.test/a", "http://10.0.0.1/", "https://[::1]/", "http://127.1/"} {
			require.Equal(t, models.ErrorBlocked, send(t, c, target, 5*time.Second).ErrorClass, target)
		}
		require.EqualValues(t, 1, visits.Load())
	})

	t.Run("carries TLS to the receiver", func(t *testing.T) {
		t.Parallel()
		ca := newAuthority(t)
		receiver := secureServer(t, ca, nil, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
		u, err := url.Parse(receiver)
		require.NoError(t, err)
		var visits atomic.Int32
		c := newClientWith(t, safehttp.Options{Allow: loopback, Proxy: proxy(t, u.Host, &visits)})
		x := sendRequest(t, c, safehttp.Request{URL: receiver, Body: []byte("{}"), TLS: models.TLS{CA: ca.pem}})
		require.Equal(t, u.Host, string(x.Body), x.Error)
		require.EqualValues(t, 1, visits.Load())
	})

	t.Run("that cannot be reached is our failure", func(t *testing.T) {
		t.Parallel()
		listener := listen(t)
		require.NoError(t, listener.Close())
		c := newClientWith(t, safehttp.Options{Proxy: &url.URL{Scheme: "http", Host: listener.Addr().String()}})
		_, err := c.Send(t.Context(), safehttp.Request{URL: "https://1.1.1.1/", Timeout: 5 * time.Second})
		require.ErrorContains(t, err, "reach the proxy")
	})

	t.Run("that cannot reach the receiver is theirs", func(t *testing.T) {
		t.Parallel()
		listener := listen(t)
		require.NoError(t, listener.Close())
		var visits atomic.Int32
		c := newClientWith(t, safehttp.Options{Proxy: proxy(t, listener.Addr().String(), &visits)})
		x := send(t, c, "https://1.1.1.1/", 5*time.Second)
		require.Equal(t, models.ErrorConnect, x.ErrorClass, x.Error)
	})
}
