package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// These constants bound the bytes of an answer that are read. A full batch of
// refusals needs a few hundred kilobytes; a problem document, hardly one. A
// lookup may be large: a page of attempts holds every body that was sent.
const (
	maxAnswer  = 4 << 20
	maxLookup  = 64 << 20
	maxProblem = 16 << 10

	maxRequestID = 128 // the server's own bound
)

// call is one call of the API.
type call struct {
	method string
	path   string
	query  url.Values
	body   []byte // nil: none
	// once marks a call that must not arrive twice: it is retried only when the
	// server cannot have acted on it.
	once bool

	header *http.Header // nil, or where the header of a successful answer is put
}

// get looks something up.
func (c *Client) get(ctx context.Context, path string, query url.Values, answer any) error {
	return c.do(ctx, call{method: http.MethodGet, path: path, query: query}, answer)
}

// post sends body, which may arrive twice.
func (c *Client) post(ctx context.Context, path string, body []byte, answer any) error {
	return c.do(ctx, call{method: http.MethodPost, path: path, body: body}, answer)
}

// do makes the call, retries it if need be, and decodes the server's answer
// into answer; nil ignores the answer.
func (c *Client) do(ctx context.Context, what call, answer any) error {
	for attempt := 1; ; attempt++ {
		err := c.attempt(ctx, what, answer)
		if err == nil {
			return nil
		}
		if stop := ctx.Err(); stop != nil {
			return ended(stop, err)
		}
		wait, again := c.nextTry(attempt, what.once, err)
		if !again {
			return err
		}
		if c.notice != nil {
			c.notice(err, wait)
		}
		if stop := c.sleep(ctx, wait); stop != nil {
			return ended(stop, err)
		}
	}
}

// ended is the error of a call that the context stopped, with its last failure.
func ended(stop, last error) error {
	return fmt.Errorf("posthaste: stopped: %w; last: %w", stop, last)
}

// attempt sends one request and reads its whole answer.
func (c *Client) attempt(ctx context.Context, what call, answer any) error {
	req, err := c.request(ctx, what)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.noAnswer(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refusal(resp)
	}
	if what.header != nil {
		*what.header = resp.Header
	}
	limit := what.limit()
	text, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err != nil { // cut on the way: the server may have acted or not
		return c.noAnswer(err)
	}
	return c.decode(text, limit, answer)
}

func (what call) limit() int {
	if what.method == http.MethodGet {
		return maxLookup
	}
	return maxAnswer
}

func (c *Client) request(ctx context.Context, what call) (*http.Request, error) {
	target := c.base.JoinPath(what.path)
	target.RawQuery = what.query.Encode()
	req, err := http.NewRequestWithContext(ctx, what.method, target.String(), bytes.NewReader(what.body))
	if err != nil {
		return nil, fmt.Errorf("posthaste: make request: %w", err)
	}
	if what.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.actor != "" {
		req.Header.Set("Posthaste-Actor", c.actor)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", "posthaste-go")
	if key := c.apiKey(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return req, nil
}

func (c *Client) decode(text []byte, limit int, answer any) error {
	if len(text) > limit {
		return fmt.Errorf("%w: it is longer than %d bytes", ErrAnswer, limit)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%w: %s", ErrAnswer, c.redact(err.Error()))
	}
	return nil
}

// refusal reads the problem document of an answer that is not a success.
func (c *Client) refusal(resp *http.Response) error {
	// A failure to read only makes the explanation poorer.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	e := c.problem(resp.StatusCode, text)
	e.RequestID = c.requestID(resp.Header)
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), c.now())
	return e
}

// requestID returns the id that the server gave the request; "" if a proxy put
// a text there that does not belong into a line of an error.
func (c *Client) requestID(header http.Header) string {
	id := header.Get("X-Request-Id")
	if len(id) > maxRequestID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return c.redact(id)
}

// problem reads a problem document.
func (c *Client) problem(status int, text []byte) *Error {
	var doc Problem
	if json.Unmarshal(text, &doc) != nil {
		return &Error{Status: status, Detail: http.StatusText(status)}
	}
	return c.errorOf(status, doc)
}

// errorOf makes an error of a problem document. The status of the answer itself
// counts. An item of a batch has none: then the document's status counts, or
// the status that belongs to its code.
func (c *Client) errorOf(status int, doc Problem) *Error {
	status = cmp.Or(status, doc.Status, statusOfCode[doc.Code])
	detail := cmp.Or(doc.Detail, doc.Title, http.StatusText(status))
	return &Error{
		Status: status, Code: Code(c.redact(string(doc.Code))),
		Detail: c.redact(detail), Field: c.redact(doc.Field),
	}
}

func (c *Client) noAnswer(cause error) error {
	return &Error{Detail: c.redact(cause.Error()), cause: cause}
}

// redact removes the API key from text that comes from elsewhere: a server or
// proxy may repeat the request.
func (c *Client) redact(text string) string {
	if key := c.apiKey(); key != "" {
		return strings.ReplaceAll(text, key, "[redacted]")
	}
	return text
}
