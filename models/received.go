package models

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// Limits of what is kept of the request that a webhook came with, and of what goes on to a subscriber: many receivers take
// 8 KiB of headers in all.
const (
	MaxReceivedHeaders = 64        // names
	MaxReceived        = 16 * 1024 // bytes of names and values
	MaxReceivedQuery   = 4 * 1024  // bytes
	MaxForwarded       = 4 * 1024  // bytes of names and values
	MaxForwardHeaders  = 50        // patterns of a subscription
	MaxForwardHeader   = 128       // bytes of a pattern
)

// QueryHeader carries to subscribers the query of the request that an event came with.
const QueryHeader = "X-Webhook-Query"

// Received is what is kept of the request that a webhook came with: what its provider says beside the body. It holds no
// credential and nothing of the connection.
type Received struct {
	Method  string      `json:"method"`
	Query   string      `json:"query,omitempty"`
	Headers http.Header `json:"headers,omitempty"` // values in UTF-8
	Cut     bool        `json:"cut,omitempty"`     // there was more than the limits allow
}

// Incoming is a request as it came, and what of it must stay here.
type Incoming struct {
	Method string
	Query  string      // as it was written
	Header http.Header // its names in the form of http.CanonicalHeaderKey
	// Proofs are the headers with which it proves where it comes from.
	Proofs []string
	// Private are texts that nothing of what is kept may hold, such as credentials. One of fewer than minPrivate bytes
	// only counts where it is the whole of a value.
	Private []string
}

const minPrivate = 8

// NewReceived keeps what may be kept of a request. Headers that do not fit are left out, the last of their names first.
func NewReceived(in Incoming) *Received {
	r := &Received{Method: in.Method, Query: in.query(), Headers: http.Header{}}
	if len(r.Query) > MaxReceivedQuery {
		r.Query, r.Cut = "", true
	}
	room := MaxReceived
	for _, name := range slices.Sorted(maps.Keys(in.Header)) {
		values := in.values(name)
		if len(values) == 0 {
			continue
		}
		if size := sizeOfHeader(name, values); size <= room && len(r.Headers) < MaxReceivedHeaders {
			r.Headers[name], room = values, room-size
			continue
		}
		r.Cut = true
	}
	return r
}

// Size is about how many bytes r takes; 0 for nil.
func (r *Received) Size() int {
	if r == nil {
		return 0
	}
	size := len(r.Query)
	for name, values := range r.Headers {
		size += sizeOfHeader(name, values)
	}
	return size
}

func sizeOfHeader(name string, values []string) int {
	size := 0
	for _, value := range values {
		size += len(name) + len(value)
	}
	return size
}

// transport are headers that tell of the connection, of the client that made it, or of the servers on the way, and those
// by which such a server tells an application what to believe.
var transport = regexp.MustCompile(`(?i)^(` + strings.Join([]string{
	"connection", "keep-alive", "proxy-.*", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", // RFC 9110 §7.6.1
	"host", "content-length", "content-encoding", "expect", "date", "max-forwards", "early-data", "priority",
	"accept", "accept-.*", "cache-control", "pragma", "range", "if-.*", "origin", "referer", "dnt", "sec-.*",
	"forwarded", "x-forwarded.*", "via", "cdn-loop", "x-real-ip", ".*-client-ip", "cf-.*", "x-envoy-.*", "x-arr-.*",
	"traceparent", "tracestate", "baggage", "b3", "x-b3-.*", "uber-trace-id", ".*-trace-id", ".*-trace-context", "sentry-trace",
	"x-original-.*", "x-rewrite-.*", "x-http-method.*", "x-method-override", "x-remote-.*", "remote-.*", "(x-)?ssl-.*",
	"x-client-cert.*", "x-consumer-.*", "x-ms-client-principal.*",
}, "|") + `)$`)

// proof matches names of what a signature is in, besides those of credentials.
var proof = regexp.MustCompile(`(?i)signature|hmac|(^|[^a-z])sig($|[^a-z])`)

// private reports whether a header or a field of a query is nobody else's business, by its name.
func private(name string) bool { return CredentialHeader(name) || proof.MatchString(name) }

// values are those of a header that may be kept: none or all.
func (in *Incoming) values(name string) []string {
	if transport.MatchString(name) || private(name) || slices.Contains(in.Proofs, name) || in.hopByHop(name) {
		return nil
	}
	kept := make([]string, len(in.Header[name]))
	for i, value := range in.Header[name] {
		if kept[i] = text(value); in.holdsPrivate(value) || !httpguts.ValidHeaderFieldValue(value) {
			return nil
		}
	}
	return kept
}

// hopByHop reports whether the header Connection names the header as one for this connection only.
func (in *Incoming) hopByHop(name string) bool {
	return slices.ContainsFunc(in.Header["Connection"], func(line string) bool {
		return slices.ContainsFunc(strings.Split(line, ","), func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), name) })
	})
}

func (in *Incoming) holdsPrivate(value string) bool {
	return slices.ContainsFunc(in.Private, func(text string) bool {
		return text != "" && (value == text || len(text) >= minPrivate && strings.Contains(value, text))
	})
}

// text is a value in UTF-8. One that is not is ISO-8859-1, as it was for HTTP until RFC 7230.
func text(value string) string {
	if utf8.ValidString(value) {
		return value
	}
	runes := make([]rune, len(value))
	for i := range len(value) {
		runes[i] = rune(value[i])
	}
	return string(runes)
}

// query is what may be kept of the query, its fields in the order in which they stand. A field that cannot be read is not.
func (in *Incoming) query() string {
	var kept []string
	for field := range strings.SplitSeq(in.Query, "&") {
		name, value, _ := strings.Cut(field, "=")
		name, badName := url.QueryUnescape(name)
		value, badValue := url.QueryUnescape(value)
		if badName != nil || badValue != nil || private(name) || strings.EqualFold(name, "code") || in.holdsPrivate(value) || in.holdsPrivate(name) {
			continue
		}
		kept = append(kept, escaped(field))
	}
	return strings.Join(kept, "&")
}

// escaped writes what no header can hold, and none should, with percent signs.
func escaped(field string) string {
	var b strings.Builder
	for i := range len(field) {
		if c := field[i]; c <= ' ' || c >= 0x7f {
			b.WriteString(url.QueryEscape(field[i : i+1]))
			continue
		}
		b.WriteByte(field[i])
	}
	return b.String()
}

// notForwarded are headers that are worth a look but say something else in a request of ours.
var notForwarded = regexp.MustCompile(`(?i)^(content-.*|user-agent|x-request-id)$`)

func forwardable(name string) bool {
	return !ReservedHeader(name) && !notForwarded.MatchString(name) && !transport.MatchString(name) && !private(name)
}

// Forward gives the headers that go on to a subscriber under their own names, those that the patterns match; nil patterns
// match all. Ours, those of the connection and credentials are never among them. Of those that do not fit, the last of
// their names are left out. The query goes in QueryHeader, before the others. A nil Received has none.
func (r *Received) Forward(patterns []string) http.Header {
	forwarded, room := http.Header{}, MaxForwarded
	if r == nil {
		return forwarded
	}
	add := func(name string, values []string) {
		if size := sizeOfHeader(name, values); size <= room && matchHeader(patterns, name) {
			forwarded[name], room = slices.Clone(values), room-size
		}
	}
	if r.Query != "" {
		add(QueryHeader, []string{r.Query})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if forwardable(name) {
			add(name, r.Headers[name])
		}
	}
	return forwarded
}

// matchHeader knows the patterns of a subscription: a name, the beginning of one and a *, or * alone.
func matchHeader(patterns []string, name string) bool {
	if patterns == nil {
		return true
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		start, open := strings.CutSuffix(strings.ToLower(pattern), "*")
		return name == start || open && strings.HasPrefix(name, start)
	})
}

func validateForward(patterns []string) error {
	if len(patterns) > MaxForwardHeaders {
		return Invalid("forward_headers", "has %d patterns; at most %d are allowed", len(patterns), MaxForwardHeaders)
	}
	for i, pattern := range patterns {
		field := index("forward_headers", i)
		start, open := strings.CutSuffix(pattern, "*")
		switch {
		case len(pattern) > MaxForwardHeader, start != "" && !httpguts.ValidHeaderFieldName(start), strings.Contains(start, "*"), pattern == "":
			return Invalid(field, "is not the name of a header, the beginning of one and *, or * alone")
		case !open && !forwardable(pattern) && !strings.EqualFold(pattern, QueryHeader):
			return Invalid(field, "is never forwarded: it belongs to Posthaste, to the connection or to a credential")
		}
	}
	return nil
}
