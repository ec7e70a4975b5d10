package safehttp_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

func TestHostileCertificates(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprintf("%d-%s.example", i, strings.Repeat("x", 50))
	}
	for name, tt := range map[string]struct {
		issuer *authority
		change func(*x509.Certificate)
		words  string
	}{
		"for another name":    {ca, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"a.example"} }, "127.0.0.1"},
		"for too many names":  {ca, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, many }, ""},
		"expired":             {ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, "expired"},
		"not valid yet":       {ca, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, "not yet valid"},
		"of a stranger":       {stranger, nil, "unknown authority"},
		"for another purpose": {ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, "usage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, _, _ := tt.issuer.issue(t, tt.change)
			url := secureServer(t, ca, func(c *tls.Config) { c.Certificates = []tls.Certificate{pair} },
				func(http.ResponseWriter, *http.Request) { t.Error("the certificate was accepted") })
			x := sendRequest(t, newClient(t), safehttp.Request{URL: url, Body: []byte("{}"), TLS: models.TLS{CA: ca.pem}})
			require.Equal(t, models.ErrorTLS, x.ErrorClass, x.Error)
			require.Contains(t, x.Error, tt.words)
			require.Less(t, len(x.Error), 400)
			require.NotContains(t, x.Error, "twice")
		})
	}
}

func TestHostileTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	refused := func(http.ResponseWriter, *http.Request) { t.Error("the connection was accepted") }

	t.Run("of an old version", func(t *testing.T) {
		t.Parallel()
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
			url := secureServer(t, ca, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, version }, refused)
			x := sendRequest(t, newClient(t), safehttp.Request{URL: url, Body: []byte("{}"), TLS: models.TLS{CA: ca.pem}})
			require.Equal(t, models.ErrorTLS, x.ErrorClass, x.Error)
			require.Contains(t, x.Error, "protocol version")
		}
	})

	t.Run("that is none", func(t *testing.T) {
		t.Parallel()
		for _, answer := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "220 smtp\r\n", "\x16\x03\x03\xff\xff", ""} {
			url := "https" + strings.TrimPrefix(rawServer(t, answer), "http")
			x := send(t, newClient(t), url, 5*time.Second)
			require.Equal(t, models.ErrorTLS, x.ErrorClass, "%q: %s", answer, x.Error)
		}
	})

	t.Run("where plain HTTP was asked for", func(t *testing.T) {
		t.Parallel()
		url := "http" + strings.TrimPrefix(secureServer(t, ca, nil, refused), "https")
		x := send(t, newClient(t), url, 5*time.Second)
		require.Contains(t, []models.ErrorClass{models.ErrorProtocol, models.ErrorStatus}, x.ErrorClass, x.Error)
	})

	t.Run("that never ends its handshake", func(t *testing.T) {
		t.Parallel()
		url := "https" + strings.TrimPrefix(raw(t, func(_ int, conn net.Conn) {
			_, _ = io.WriteString(conn, "\x16\x03\x03\x3f\xff\x02\xff\xff\xff")
			_, _ = io.Copy(io.Discard, conn)
		}), "http")
		x := send(t, newClient(t), url, 200*time.Millisecond)
		require.NotEmpty(t, x.ErrorClass)
		require.Less(t, x.Timing.Total, 3*time.Second)
	})
}
