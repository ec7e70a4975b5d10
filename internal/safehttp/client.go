package safehttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"time"

	"github.com/posthaste/posthaste/models"
)

const (
	connectTimeout    = 5 * time.Second
	maxHeaderBytes    = 64 * 1024 // what we read before giving up; what is kept is models.MaxResponse
	idleTimeout       = 90 * time.Second
	maxConnsPerHost   = 64
	maxIdlePerHost    = 16
	maxIdleTotal      = 1024
	keepAliveInterval = 30 * time.Second
)

// Options configures New. The zero value calls public addresses only.
type Options struct {
	Allow []netip.Prefix // networks to call although they are not public
}

// Client sends deliveries. It keeps connections for reuse and is safe for concurrent use.
type Client struct{ http *http.Client }

// New makes a Client.
func New(o Options) *Client {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: keepAliveInterval, Control: guard(o.Allow)}
	return &Client{http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would be dialled instead of the address we judge
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
			IdleConnTimeout:        idleTimeout,
			MaxConnsPerHost:        maxConnsPerHost,
			MaxIdleConnsPerHost:    maxIdlePerHost,
			MaxIdleConns:           maxIdleTotal,
		},
	}}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Send makes the request and reports what came of it. An error means that we could not try, because ctx ended or the
// request cannot be built; everything the receiver does is an Exchange.
func (c *Client) Send(ctx context.Context, r models.Request) (models.Exchange, error) {
	watch := newStopwatch()
	attempt, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	request, err := newRequest(httptrace.WithClientTrace(attempt, watch.trace()), r)
	if err != nil {
		return models.Exchange{}, err
	}
	response, err := c.http.Do(request)
	switch {
	case err == nil:
		defer func() { _ = response.Body.Close() }() // what is unread is thrown away with its connection
		return answered(response, watch), nil
	case ctx.Err() != nil:
		return models.Exchange{}, fmt.Errorf("send: %w", ctx.Err())
	default:
		return failed(err, watch, r), nil
	}
}

func newRequest(ctx context.Context, r models.Request) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("build the request: the stored URL is not valid") // not err: it repeats the URL
	}
	request.Header = r.Header.Clone()
	return request, nil
}

// answered keeps the bounded part of an answer. A body that stops coming does not change the verdict: the status line
// is the receiver's answer.
func answered(response *http.Response, watch *stopwatch) models.Exchange {
	body, err := io.ReadAll(io.LimitReader(response.Body, models.MaxResponse+1))
	x := models.Exchange{
		Status: response.StatusCode,
		Header: keptHeader(response.Header),
		Cut:    len(body) > models.MaxResponse || err != nil,
		Body:   keptBody(body),
		Timing: watch.stop(),
	}
	x.ErrorClass, x.Error = judge(response.StatusCode)
	return x
}

// keptBody cuts to the limit and replaces each byte that is not UTF-8 by one of the same length.
func keptBody(body []byte) []byte {
	return bytes.ToValidUTF8(body[:min(len(body), models.MaxResponse)], []byte("?"))
}

// keptHeader keeps header lines up to the limit; which ones of an oversized header is not specified.
func keptHeader(header http.Header) http.Header {
	kept, size := http.Header{}, 0
	for name, values := range header {
		for _, value := range values {
			if size += len(name) + len(value) + len(": \r\n"); size <= models.MaxResponse {
				kept[name] = append(kept[name], string(bytes.ToValidUTF8([]byte(value), []byte("?"))))
			}
		}
	}
	return kept
}
