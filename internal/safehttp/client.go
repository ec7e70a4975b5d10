package safehttp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/posthaste/posthaste/models"
)

// Options configures New. The zero value calls public addresses only, without a proxy.
type Options struct {
	Allow    Allow         // networks and hosts that may be called although they are not public
	Proxy    *url.URL      // http, https or socks5; nil for none, whatever the environment says. Its address is not judged
	Resolver *net.Resolver // nil for the system's
	Timeouts Timeouts
}

// Timeouts bound the stages of an attempt, besides the total that each request has. A zero field gets its default.
type Timeouts struct {
	DNS       time.Duration // resolving the host name; 5 s
	Connect   time.Duration // all of a name's addresses together; 5 s
	TLS       time.Duration // the handshake; 10 s
	FirstByte time.Duration // from the request's last byte to the end of the answer's header; models.MaxTimeout, so that the total decides
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		DNS:       cmp.Or(t.DNS, 5*time.Second),
		Connect:   cmp.Or(t.Connect, 5*time.Second),
		TLS:       cmp.Or(t.TLS, 10*time.Second),
		FirstByte: cmp.Or(t.FirstByte, models.MaxTimeout),
	}
}

// Client sends deliveries. It keeps connections for reuse and is safe for concurrent use.
type Client struct {
	guard      *Guard
	limits     Timeouts
	transports *transports
	tokens     *tokens
}

// New makes a Client.
func New(o Options) *Client {
	guard, limits := NewGuard(o.Allow, o.Resolver), o.Timeouts.withDefaults()
	return &Client{
		guard: guard, limits: limits, tokens: newTokens(),
		transports: newTransports(&dialer{guard: guard, proxy: proxyAddress(o.Proxy), limits: limits}, o.Proxy),
	}
}

// Guard returns the judge of this client's destinations.
func (c *Client) Guard() *Guard { return c.guard }

// Check is Guard.Check.
func (c *Client) Check(ctx context.Context, url string) error { return c.guard.Check(ctx, url) }

// RoundTripper is the road of requests that are no deliveries: to the same addresses only, through the same proxy. It
// bounds no body, and follows no redirects.
func (c *Client) RoundTripper() http.RoundTripper {
	transport, _ := c.transports.of(models.TLS{}) // fails for certificates that cannot be read only
	return transport
}

// Close drops idle connections.
func (c *Client) Close() { c.transports.close() }

// Send makes the request and reports what came of it. An error means that we could not try, because ctx ended, the
// request cannot be built, the proxy is away, or this machine is out of resources or time; everything the receiver does,
// and its token endpoint, is an Exchange.
//
// A connection that fails before a byte of the request was written gets a second try at once, within the same timeout
// and as the same attempt; so does a request that the receiver says it has not begun to process. An answer that arrived
// before the connection failed is the answer.
func (c *Client) Send(ctx context.Context, r Request) (models.Exchange, error) {
	r = normalized(r)
	attempt, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	watch := newStopwatch()
	response, err := c.exchange(attempt, r, watch)
	switch {
	case err == nil:
		defer func() { _ = response.Body.Close() }() // the unread rest is discarded with the connection
		return answered(response, watch), nil
	case ctx.Err() != nil:
		return models.Exchange{}, fmt.Errorf("send: %w", ctx.Err())
	case isOurs(err):
		return models.Exchange{}, err
	case attempt.Err() != nil && watch.stage() == stageStart && !isTokenError(err):
		return models.Exchange{}, fmt.Errorf("the request could not be begun within %s", r.Timeout)
	default:
		return c.failed(attempt, err, watch, r), nil
	}
}

// normalized gives a request its default, and the URLs that were saved before they were brought into their normal form
// that form: net/http would dial one spelling of a name and send another one in Host.
func normalized(r Request) Request {
	r.Timeout = cmp.Or(r.Timeout, models.DefaultTimeout)
	for _, stored := range []*string{&r.URL, &r.Auth.TokenURL} {
		if normal, err := models.NormalURL("url", *stored); err == nil {
			*stored = normal
		}
	}
	return r
}

func isTokenError(err error) bool {
	_, ok := errors.AsType[*tokenError](err)
	return ok
}

// exchange gets the answer's header, with a second try where the receiver has done nothing with the first.
func (c *Client) exchange(ctx context.Context, r Request, watch *stopwatch) (*http.Response, error) {
	transport, err := c.transports.of(r.TLS)
	if err != nil {
		return nil, err
	}
	header, err := c.authorized(ctx, transport, r)
	if err != nil {
		return nil, err
	}
	response, err := roundTrip(ctx, transport, r, header, watch)
	if err != nil && ctx.Err() == nil && (unprocessed(err) || watch.untouched() && worthAnother(err, watch.wasReused())) {
		watch.again()
		response, err = roundTrip(ctx, transport, r, header, watch)
	}
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		c.tokens.forget(r)
	}
	return response, err
}

// roundTrip is one request on the wire. It goes around http.Client, which would look at redirects and cookies.
func roundTrip(ctx context.Context, transport http.RoundTripper, r Request, header http.Header, watch *stopwatch) (*http.Response, error) {
	ctx = httptrace.WithClientTrace(ctx, watch.trace())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, &ourError{errors.New("the stored URL is not valid")} // not err: it repeats the URL
	}
	request.Header = header
	// Without GetBody the transport cannot send again by itself, which it does to a request that carries an
	// Idempotency-Key even when the first one has gone out.
	request.GetBody = nil
	response, err := transport.RoundTrip(request)
	return response, watch.cause(err)
}
