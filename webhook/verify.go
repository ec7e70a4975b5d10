package webhook

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// DefaultTolerance is how far a timestamp may lie from now, in both
// directions: far enough for slow networks and imprecise clocks, near enough
// to make a recorded request useless soon.
const DefaultTolerance = 5 * time.Minute

// Message is a webhook whose signature was right.
type Message struct {
	// ID names the event. The same id may come more than once, also from an
	// honest sender; handle it once.
	ID string

	// Timestamp is when this attempt was sent, in whole seconds, UTC.
	Timestamp time.Time

	// Body is the signed bytes, untouched.
	Body []byte
}

// Verifier checks messages against a fixed set of secrets. Make it with
// [NewVerifier]; the zero value knows no secret and refuses everything with
// [ErrBadSecret]. It never changes, so any number of goroutines may use it.
type Verifier struct {
	secrets   []Secret
	tolerance time.Duration
	now       func() time.Time
}

// Option changes how a [Verifier] works.
type Option func(*Verifier)

// WithTolerance sets how far a timestamp may lie from now, in both directions.
// It must be positive. Without it, [DefaultTolerance]. It cannot be switched
// off: without it a recorded request would be good for ever (Standard
// Webhooks, "Verifying signatures").
func WithTolerance(d time.Duration) Option { return func(v *Verifier) { v.tolerance = d } }

// WithClock sets where the present time comes from, for tests. It must not be
// nil and must be safe for concurrent use. Without it, time.Now.
func WithClock(now func() time.Time) Option { return func(v *Verifier) { v.now = now } }

// NewVerifier makes a verifier that accepts what any of the secrets has signed;
// during a rotation, give the new and the old one. It gives [ErrBadSecret] for
// no secrets or an empty one, and refuses a tolerance that is not positive.
func NewVerifier(secrets []Secret, opts ...Option) (*Verifier, error) {
	v := &Verifier{secrets: slices.Clone(secrets), tolerance: DefaultTolerance, now: time.Now}
	for _, opt := range opts {
		opt(v)
	}
	if err := checkSecrets(v.secrets); err != nil {
		return nil, err
	}
	if v.tolerance <= 0 {
		return nil, fmt.Errorf("webhook: tolerance %v is not positive", v.tolerance)
	}
	if v.now == nil {
		return nil, errors.New("webhook: the clock is nil")
	}
	return v, nil
}

// Verify checks the three headers against the body, which must be the bytes
// as received: a body decoded and encoded again no longer fits its signature.
// The message's Body is the slice given, not a copy.
//
// The errors are [ErrMissingHeader], [ErrBadID], [ErrBadTimestamp],
// [ErrTooOld], [ErrTooNew] and [ErrNoMatch]; with an error the message is
// empty. At most 32 signatures are looked at, each of at most 128 bytes; the
// cost is one HMAC over the body per secret.
func (v *Verifier) Verify(header http.Header, body []byte) (Message, error) {
	e, at, err := v.checkHeaders(header)
	if err != nil {
		return Message{}, err
	}
	return v.match(e, at, body)
}

// checkHeaders does all that needs no body: what is there, and how fresh.
func (v *Verifier) checkHeaders(header http.Header) (envelope, time.Time, error) {
	if err := checkSecrets(v.secrets); err != nil {
		return envelope{}, time.Time{}, err
	}
	e, err := readEnvelope(header)
	if err != nil {
		return envelope{}, time.Time{}, err
	}
	at, err := parseTimestamp(e.timestamp)
	if err != nil {
		return envelope{}, time.Time{}, err
	}
	return e, at, v.checkFresh(at)
}

// match looks for a signature by any of the secrets.
func (v *Verifier) match(e envelope, at time.Time, body []byte) (Message, error) {
	for _, secret := range v.secrets {
		if e.signedBy(secret, body) {
			return Message{ID: e.id, Timestamp: at, Body: body}, nil
		}
	}
	return Message{}, ErrNoMatch
}

func (e envelope) signedBy(secret Secret, body []byte) bool {
	want := mac(secret, e.id, e.timestamp, body)
	return slices.ContainsFunc(e.signatures, func(s signature) bool {
		// Constant time, or the answer's delay would tell how much of a guess
		// is right (Standard Webhooks, "Verifying signatures").
		return s.version == versionHMAC && hmac.Equal([]byte(s.value), want)
	})
}

func (v *Verifier) checkFresh(at time.Time) error {
	age := v.now().Sub(at)
	switch {
	case age > v.tolerance:
		return fmt.Errorf("%w: more than %v ago", ErrTooOld, v.tolerance)
	case age < -v.tolerance:
		return fmt.Errorf("%w: more than %v ahead", ErrTooNew, v.tolerance)
	}
	return nil
}
