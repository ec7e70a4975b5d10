package receivers

import (
	"errors"
	"net/http"
	"strings"
)

// These errors say why a request is refused. Every error of [Receiver.Verify]
// wraps exactly one of them. They are for the log: the sender learns the
// status that [Status] returns and nothing else, except for [ErrEncoding],
// [ErrNotText] and a body that is too large when decompressed. These three are
// found only in verified requests of the provider, which may read the reason.
var (
	// ErrMethod: the provider does not post its webhooks with this method.
	ErrMethod = errors.New("receivers: method not allowed")

	// ErrTooLarge: the body is longer than the receiver allows, as it came or
	// decompressed.
	ErrTooLarge = errors.New("receivers: body too large")

	// ErrMissing: the signature, or a value that it covers, is not there, or
	// not exactly once.
	ErrMissing = errors.New("receivers: not signed")

	// ErrMalformed: a value that is needed to verify cannot be read.
	ErrMalformed = errors.New("receivers: malformed request")

	// ErrBadTime: the time is not written as the provider writes it.
	ErrBadTime = errors.New("receivers: bad timestamp")

	// ErrTooOld: the time lies further back than the tolerance. Either a
	// replay, or the receiver's clock is fast.
	ErrTooOld = errors.New("receivers: timestamp too old")

	// ErrTooNew: the time lies further ahead than the tolerance. Usually the
	// receiver's clock is slow.
	ErrTooNew = errors.New("receivers: timestamp too new")

	// ErrNoMatch: no credential fits: forged, changed on the way, or meant for
	// another endpoint.
	ErrNoMatch = errors.New("receivers: no credential fits")

	// ErrCertificate: the certificate that the request names is not the
	// provider's, or the provider says that it has none there.
	ErrCertificate = errors.New("receivers: certificate refused")

	// ErrEncoding: the body has a content coding that is not one of
	// [AcceptEncoding], or cannot be decompressed by its coding.
	ErrEncoding = errors.New("receivers: content coding not accepted")

	// ErrNotText: the body, or a field of it, is not text in the charset that
	// it declares, or in UTF-8 where it declares none, or this package does not
	// know the charset. Handed on as JSON, some of it would be lost.
	ErrNotText = errors.New("receivers: body not accepted as text")

	// ErrUnavailable: the certificate, or the URL of [Challenge.Visit], could
	// not be fetched now. The request may be genuine; the provider should send
	// it again.
	ErrUnavailable = errors.New("receivers: certificate unavailable")
)

// These errors say why [New] refuses a configuration. The text of a credential
// is never part of the error.
var (
	// ErrUnknownProvider: [Names] does not list it, or it has no scheme.
	ErrUnknownProvider = errors.New("receivers: unknown provider")

	// ErrBadProvider: a provider's row cannot work as it is written.
	ErrBadProvider = errors.New("receivers: bad provider")

	// ErrBadCredential: no credential was given, or one is empty or of a kind
	// that no scheme of the provider uses; for the latter two the error is a
	// [CredentialError].
	ErrBadCredential = errors.New("receivers: bad credential")
)

// refused is an error with the status that the provider expects.
type refused struct {
	error
	status int
}

func (r *refused) Unwrap() error { return r.error }

// Status returns the HTTP status that answers an error of [Receiver.Verify]:
// 200 for nil, 405 for [ErrMethod], 413 for [ErrTooLarge], 415 for
// [ErrEncoding] and [ErrNotText], 503 for [ErrUnavailable], the status of
// [Challenge.Refuse] for a challenge that is not proved, otherwise 401. It is
// never 410, at which some providers delete the webhook, and never a redirect.
func Status(err error) int {
	var r *refused
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, ErrMethod):
		return http.StatusMethodNotAllowed
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrEncoding), errors.Is(err, ErrNotText):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.As(err, &r) && r.status != 0:
		return r.status
	}
	return http.StatusUnauthorized
}

// Reason returns the text that the provider may read of an error whose
// [Status] is 415: it says what is wrong with the body.
func Reason(err error) string { return strings.TrimPrefix(err.Error(), "receivers: ") }
