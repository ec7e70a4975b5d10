package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	defaultAttempts = 4
	defaultTimeout  = 30 * time.Second // for one attempt, answer included

	// idleConnections replaces Go's default of two idle connections per host,
	// with which a program that publishes from many goroutines would open a new
	// connection for most events.
	idleConnections = 64

	maxActor = 200
)

// Client publishes to one Posthaste server, and operates it. Make it with
// [New]; the zero value does not work. Any number of goroutines may use it, and
// one Client is enough for a program: it keeps connections open between calls.
type Client struct {
	base     *url.URL
	apiKey   func() string // a function, because fmt prints fields but cannot call it
	http     *http.Client
	attempts int
	actor    string
	notice   func(err error, wait time.Duration) // nil: retries are silent

	sleep  func(context.Context, time.Duration) error
	now    func() time.Time
	random func() float64 // in [0, 1)
}

// Option changes how a [Client] works.
type Option func(*Client)

// WithHTTPClient sets the HTTP client that sends the requests, with its
// proxies, TLS, timeout per attempt and instrumentation. Its redirect policy is
// not used; redirects are never followed. nil means the default: 30 s per
// attempt, and otherwise the settings of http.DefaultTransport.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) {
		if h != nil {
			c.http = h
		}
	}
}

// WithMaxAttempts sets the greatest number of attempts of a call, the first
// included. At least 1, which means no retries; the default is 4.
func WithMaxAttempts(n int) Option { return func(c *Client) { c.attempts = n } }

// WithActor sets the name under which the server records the client's actions
// in its audit. At most 200 bytes of UTF-8 without control characters; without
// it, the server records the name of the API key, or "api". The id of the API key
// is recorded in any case.
func WithActor(name string) Option { return func(c *Client) { c.actor = name } }

// WithRetryNotice sets a function that is called before the pause of each
// retry, with the error of the last attempt and the length of the pause. f runs
// in the goroutine that made the call, so it must be safe for concurrent use if
// several goroutines share the client. By default, retries are silent.
func WithRetryNotice(f func(err error, wait time.Duration)) Option {
	return func(c *Client) { c.notice = f }
}

// New makes a client for the server at baseURL, such as
// https://posthaste.example.com, with a path if the server is below one. The
// URL must be http or https, without user, query or fragment. apiKey goes out
// as "Authorization: Bearer <key>"; "" sends none, which `posthaste dev`
// accepts. New does not connect. No error repeats the URL or the key.
func New(baseURL, apiKey string, opts ...Option) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(apiKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("posthaste: the API key has a space, a line break or another character no key has")
	}
	c := &Client{
		base: base, apiKey: func() string { return apiKey },
		http: defaultHTTP(), attempts: defaultAttempts,
		sleep: sleep, now: time.Now, random: rand.Float64,
	}
	for _, opt := range opts {
		opt(c)
	}
	if c.attempts < 1 {
		return nil, fmt.Errorf("posthaste: %d attempts are too few, the least is 1", c.attempts)
	}
	if len(c.actor) > maxActor || !utf8.ValidString(c.actor) || strings.ContainsFunc(c.actor, unprintable) {
		return nil, fmt.Errorf("posthaste: the actor is longer than %d bytes or has a character that cannot be printed", maxActor)
	}
	c.http = withoutRedirects(c.http)
	return c, nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// String names the server, never the key.
func (c *Client) String() string { return "posthaste client for " + c.base.String() }

func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil { // the error's text holds the whole URL, maybe with a password
		return nil, errors.New("posthaste: the base URL cannot be read")
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" {
		return nil, errors.New("posthaste: the base URL must be http:// or https:// and a host")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("posthaste: the base URL must not have a user, query or fragment")
	}
	return base, nil
}

func defaultHTTP() *http.Client {
	h := &http.Client{Timeout: defaultTimeout}
	// The program may have replaced the default by another type.
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = transport.Clone()
		transport.MaxIdleConnsPerHost = idleConnections
		h.Transport = transport
	}
	return h
}

// withoutRedirects returns a copy of h, which is the caller's, that follows no
// redirects. A redirect would turn our POST into a GET, whose 200 says nothing
// about the event.
func withoutRedirects(h *http.Client) *http.Client {
	mine := *h
	mine.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &mine
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
