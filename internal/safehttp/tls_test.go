package safehttp_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// secureServer serves HTTPS with a certificate of ca after configure had a look at it; HTTP/2 where the client wants it.
func secureServer(t *testing.T, ca *authority, configure func(*tls.Config), handler http.HandlerFunc) string {
	t.Helper()
	pair, _, _ := ca.issue(t, nil)
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if configure != nil {
		configure(server.TLS)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestOwnAuthority(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	url := secureServer(t, ca, nil, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	c := newClient(t)
	deliver := func(m models.TLS) models.Exchange {
		return sendRequest(t, c, safehttp.Request{URL: url, Body: []byte("{}"), Timeout: 5 * time.Second, TLS: m})
	}
	require.Equal(t, models.ErrorTLS, deliver(models.TLS{}).ErrorClass)
	require.Equal(t, models.ErrorTLS, deliver(models.TLS{CA: stranger.pem}).ErrorClass)
	x := deliver(models.TLS{CA: ca.pem})
	require.Equal(t, "HTTP/2.0", string(x.Body), x.Error)
	require.Positive(t, x.Timing.TLS)
	require.Zero(t, deliver(models.TLS{CA: ca.pem}).Timing.TLS, "the connection is kept")
	require.Equal(t, models.ErrorTLS, deliver(models.TLS{}).ErrorClass, "but not for those who do not trust the authority")
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	_, cert, key := ca.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = "posthaste" })
	_, wrongCert, wrongKey := stranger.issue(t, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		url := secureServer(t, ca, func(c *tls.Config) {
			c.ClientAuth, c.ClientCAs, c.MaxVersion = tls.RequireAndVerifyClientCert, ca.pool(), version
		}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
		})
		c := newClient(t)
		deliver := func(m models.TLS) models.Exchange {
			m.CA = ca.pem
			return sendRequest(t, c, safehttp.Request{URL: url, Body: []byte("{}"), Timeout: 5 * time.Second, TLS: m})
		}
		x := deliver(models.TLS{ClientCert: cert, ClientKey: key})
		require.Equal(t, "posthaste", string(x.Body), x.Error)
		for _, m := range []models.TLS{{}, {ClientCert: wrongCert, ClientKey: wrongKey}} {
			x := deliver(m)
			require.NotEmpty(t, x.ErrorClass)
			require.Contains(t, []models.ErrorClass{models.ErrorTLS, models.ErrorConnect, models.ErrorProtocol}, x.ErrorClass, x.Error)
		}
		require.Equal(t, "posthaste", string(deliver(models.TLS{ClientCert: cert, ClientKey: key}).Body))
	}
}

func TestMaterialThatCannotBeUsedIsOurFailure(t *testing.T) {
	t.Parallel()
	for _, m := range []models.TLS{{CA: "x"}, {ClientCert: "x", ClientKey: "hush"}} {
		_, err := newClient(t).Send(t.Context(), safehttp.Request{URL: "https://127.0.0.1/", TLS: m})
		require.ErrorContains(t, err, "stored")
		require.NotContains(t, err.Error(), "hush")
	}
}

// TestTransportsAreBounded gives more subscribers than are remembered an authority of their own: the connections of
// those that are pushed out must end.
func TestTransportsAreBounded(t *testing.T) {
	t.Parallel()
	const remembered = 64
	ca := newAuthority(t)
	var open atomic.Int32
	listenerURL := func() string {
		pair, _, _ := ca.issue(t, nil)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			default:
			}
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.URL
	}()
	c := newClient(t)
	for i := range remembered + 10 {
		bundle := ca.pem
		for range i { // another bundle of the same authority
			bundle += "\n"
		}
		x := sendRequest(t, c, safehttp.Request{URL: listenerURL, Body: []byte("{}"), TLS: models.TLS{CA: bundle}})
		require.Empty(t, x.Error)
	}
	require.Eventually(t, func() bool { return open.Load() == remembered }, 5*time.Second, 10*time.Millisecond)
	c.Close()
	require.Eventually(t, func() bool { return open.Load() == 0 }, 5*time.Second, 10*time.Millisecond)
}
