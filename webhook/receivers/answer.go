package receivers

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Answer is the HTTP response that a provider expects. The zero value is an
// empty answer with status 200.
type Answer struct {
	// Status is a status of success, 200 to 299. 0 means 200.
	Status int `json:"status,omitempty" yaml:"status,omitempty"`

	ContentType string            `json:"content_type,omitempty" yaml:"content_type,omitempty"`
	Headers     map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	Body        string            `json:"body,omitempty" yaml:"body,omitempty"`
}

// Write sends the answer. It tells browsers not to guess at the type, since the
// answer to a challenge echoes text of the request.
func (a Answer) Write(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for name, value := range a.Headers {
		w.Header()[name] = []string{value} // in the row's spelling, for providers that compare it
	}
	if a.ContentType != "" {
		w.Header().Set("Content-Type", a.ContentType)
	}
	w.WriteHeader(a.status())
	if a.Body != "" {
		_, _ = io.WriteString(w, a.Body) // fails only if the provider is gone; it asks again
	}
}

func (a Answer) status() int {
	if a.Status == 0 {
		return http.StatusOK
	}
	return a.Status
}

// keptHeaders lists the headers that an answer cannot set: the server sets them
// itself, or a row sets them by another field.
var keptHeaders = []string{
	"Connection", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Set-Cookie", "Trailer", "Transfer-Encoding", "Upgrade",
	"X-Content-Type-Options",
}

// answer refuses an answer that could not be sent as it is written.
func (c *compiler) answer(a Answer) {
	if status := a.status(); status < 200 || status > 299 {
		c.fail("status %d is not one of success, 200 to 299", status)
	}
	if a.Body != "" && (a.Status == http.StatusNoContent || a.Status == http.StatusResetContent) {
		c.fail("status %d has no body", a.Status)
	}
	if _, _, err := mime.ParseMediaType(a.ContentType); a.ContentType != "" && err != nil {
		c.fail("content_type %.40q is none", a.ContentType)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Headers)) {
		if !isHeaderName(name) || slices.Contains(keptHeaders, textproto.CanonicalMIMEHeaderKey(name)) {
			c.fail("an answer cannot have the header %.40q", name)
		}
		if !isHeaderValue(a.Headers[name]) {
			c.fail("the value of header %.40q cannot be sent", name)
		}
	}
}

// isHeaderName reports whether the name is a token of RFC 9110 section 5.6.2.
func isHeaderName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isHeaderValue(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// jsonText returns the text as it is written inside a JSON string.
func jsonText(text string) string {
	quoted, _ := json.Marshal(text) // a string always encodes
	return string(quoted[1 : len(quoted)-1])
}

func asIs(text string) string { return text }

// escape returns the function that escapes values of the request for the
// answer.
func (c *challenge) escape() func(string) string {
	if kind, _, _ := mime.ParseMediaType(c.ContentType); kind == "application/json" {
		return jsonText
	}
	return asIs
}

// fill returns the answer to the challenge.
func (c *challenge) fill(q *request, key []byte) (Answer, error) {
	body, err := c.reply.render(q, key, c.escape())
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Status: c.Status, ContentType: c.ContentType, Body: body}
	if a.ContentType == "" && body != "" {
		a.ContentType = "text/plain"
	}
	for name, t := range c.headers {
		value, err := t.render(q, key, asIs)
		if err != nil {
			return Answer{}, err
		}
		if !isHeaderValue(value) {
			return Answer{}, fmt.Errorf("%w: the answer's header %s cannot be sent", ErrMalformed, name)
		}
		if a.Headers == nil {
			a.Headers = make(map[string]string, len(c.headers))
		}
		a.Headers[name] = value
	}
	return a, nil
}
