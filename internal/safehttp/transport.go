package safehttp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/posthaste/posthaste/models"
)

const (
	maxHeaderBytes = 64 * 1024 // read before giving up, 1xx answers included; models.MaxResponse bytes of it are kept
	idleTimeout    = 90 * time.Second
	maxIdlePerHost = 16
	maxIdleTotal   = 1024
	// maxTransports is how many sets of certificates have connections of their own at a time.
	maxTransports = 64

	// These windows bound the bytes that HTTP/2 may send ahead of our reading, on a stream and on a connection. We read
	// models.MaxResponse of each stream; the default of 4 MiB would be memory that a stranger fills.
	h2StreamBuffer = 64 * 1024
	h2ConnBuffer   = 1024 * 1024
	// A connection that went silent is asked whether it lives, so that it does not swallow one request after the other.
	h2PingAfter   = 15 * time.Second
	h2PingTimeout = 5 * time.Second
)

// transports holds the connections: one pool for everybody, and one for each set of certificates in use. It is safe
// for concurrent use.
type transports struct {
	dialer *dialer
	proxy  *url.URL
	shared *http.Transport
	own    *lru.Cache[fingerprint, *http.Transport]
}

func newTransports(d *dialer, proxy *url.URL) *transports {
	t := &transports{dialer: d, proxy: proxy}
	t.shared = t.build(&tls.Config{MinVersion: tls.VersionTLS12})
	t.own, _ = lru.NewWithEvict(maxTransports, func(_ fingerprint, evicted *http.Transport) { // fails on a size below 1 only
		evicted.CloseIdleConnections()
	})
	return t
}

// build sets no limit to the connections of a host: many subscribers may share a host, and hanging ones must not keep the
// others waiting. The number of attempts that a worker makes at a time bounds the connections.
func (t *transports) build(config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyURL(t.proxy), // nil is none: the environment has no say
		DialContext:            t.dialer.dial,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    t.dialer.limits.TLS,
		ResponseHeaderTimeout:  t.dialer.limits.FirstByte,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxIdleConns:           maxIdleTotal,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream:     h2StreamBuffer,
			MaxReceiveBufferPerConnection: h2ConnBuffer,
			SendPingTimeout:               h2PingAfter,
			PingTimeout:                   h2PingTimeout,
		},
	}
}

// of returns the way to reach receivers that want these certificates.
func (t *transports) of(m models.TLS) (http.RoundTripper, error) {
	transport, err := t.pool(m)
	if err != nil {
		return nil, err
	}
	if t.proxy != nil {
		return &checkedTransport{guard: t.dialer.guard, limit: t.dialer.limits.DNS, next: transport}, nil
	}
	return transport, nil
}

func (t *transports) pool(m models.TLS) (*http.Transport, error) {
	if !m.Enabled() {
		return t.shared, nil
	}
	key := fingerprintOf(m.ClientCert, m.ClientKey, m.CA)
	if transport, ok := t.own.Get(key); ok {
		return transport, nil
	}
	config, err := tlsConfig(m)
	if err != nil {
		return nil, &ourError{err}
	}
	transport := t.build(config)
	if earlier, ok, _ := t.own.PeekOrAdd(key, transport); ok {
		return earlier, nil // somebody was faster; ours has no connections yet
	}
	return transport, nil
}

func (t *transports) close() {
	t.shared.CloseIdleConnections()
	t.own.Purge()
}

// tlsConfig was possible when the material was saved, see models.TLS.Validate; the errors show none of it.
func tlsConfig(m models.TLS) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.ClientCert != "" {
		pair, err := tls.X509KeyPair([]byte(m.ClientCert), []byte(m.ClientKey))
		if err != nil {
			return nil, errors.New("the stored client certificate and key do not fit")
		}
		config.Certificates = []tls.Certificate{pair}
		// Some servers learn from the request's path that they want a certificate, and ask for it by renegotiation, which
		// TLS 1.2 has and 1.3 has not (RFC 5246 §7.4.1.1).
		config.Renegotiation = tls.RenegotiateOnceAsClient
	}
	if m.CA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a machine without authorities trusts the subscriber's alone
		}
		if !pool.AppendCertsFromPEM([]byte(m.CA)) {
			return nil, errors.New("the stored certificate authority is not PEM")
		}
		config.RootCAs = pool
	}
	return config, nil
}

// checkedTransport judges the target before a proxy is asked for it: the proxy resolves the name again, and has the last
// word on the address.
type checkedTransport struct {
	guard *Guard
	limit time.Duration // of looking the name up; a name that does not resolve here is left to the proxy
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), t.limit)
	defer cancel()
	if _, err := t.guard.permitted(ctx, r.URL.Hostname()); isBlocked(err) {
		return nil, err
	}
	return t.next.RoundTrip(r)
}

// proxyAddress is the address that a transport dials to reach the proxy.
func proxyAddress(proxy *url.URL) string {
	if proxy == nil {
		return ""
	}
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	}
	return net.JoinHostPort(proxy.Hostname(), port)
}

// fingerprint stands for secrets where a key is needed.
type fingerprint [sha256.Size]byte

// fingerprintOf tells ("ab", "c") from ("a", "bc").
func fingerprintOf(parts ...string) fingerprint {
	var all []byte
	for _, part := range parts {
		all = binary.AppendUvarint(all, uint64(len(part)))
		all = append(all, part...)
	}
	return sha256.Sum256(all)
}

// ourError is a failure that is not the receiver's: the attempt was not made and does not count.
type ourError struct{ cause error }

func (e *ourError) Error() string { return fmt.Sprintf("send: %s", e.cause) }

// Unwrap returns the cause.
func (e *ourError) Unwrap() error { return e.cause }
