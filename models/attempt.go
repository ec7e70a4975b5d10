package models

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

// SetHeader sets a header under the very name given, in place of what is there under that name in any case of letters.
// net/http sends the names over HTTP/1.1 as they stand, and some receivers look for the case that the owner of a header
// writes; what is set like this, http.Header.Get finds only if net/http would spell it the same.
func SetHeader(h http.Header, name, value string) {
	maps.DeleteFunc(h, func(there string, _ []string) bool { return strings.EqualFold(there, name) })
	h[name] = []string{value}
}

// MaxResponse is how many bytes of a response body, and of its headers, are kept.
const MaxResponse = 16 * 1024

// ErrorClass names what went wrong with an attempt. The list is fixed: clients switch on it.
type ErrorClass string

// The classes. The empty class is success.
const (
	ErrorStatus   ErrorClass = "status"              // answered, but not 2xx
	ErrorRedirect ErrorClass = "redirect"            // answered 3xx; redirects are not followed
	ErrorTimeout  ErrorClass = "timeout"             // no whole answer in time
	ErrorDNS      ErrorClass = "dns"                 // the host name does not resolve
	ErrorConnect  ErrorClass = "connect"             // no connection: refused, unreachable, reset
	ErrorTLS      ErrorClass = "tls"                 // no trusted connection
	ErrorProtocol ErrorClass = "protocol"            // the answer is not HTTP
	ErrorBlocked  ErrorClass = "blocked_destination" // the address is one we refuse to call
	ErrorAuth     ErrorClass = "auth"                // no access token from the subscriber's token endpoint
)

// Attempt is one HTTP request of a delivery and its answer.
type Attempt struct {
	DeliveryID     string
	Number         int // 1, 2, 3 … over the whole life of the delivery
	StartedAt      time.Time
	URL            string
	RequestHeaders http.Header // as sent, in the case of letters too; credentials are redacted
	Exchange
}

// Succeeded reports whether the attempt delivered: 2xx and nothing else.
func (a *Attempt) Succeeded() bool { return a.ErrorClass == "" }

// Exchange is what came of a request. Status is 0 when no answer came.
type Exchange struct {
	Status     int
	Header     http.Header
	Body       []byte // at most MaxResponse bytes, valid UTF-8
	Cut        bool   // there was more body than was kept
	Timing     Timing
	ErrorClass ErrorClass
	Error      string // one sentence for the receiver's engineer; no payload, no secret
}

// Timing splits an exchange. A part that did not happen, such as TLS on a reused connection, is zero.
type Timing struct {
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration // from the start to the first byte of the answer
	Total     time.Duration
}
