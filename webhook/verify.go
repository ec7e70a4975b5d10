package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// DefaultTolerance is the default distance that a timestamp may have from now,
// in both directions: far enough for slow networks and imprecise clocks, near
// enough to make a recorded request useless soon.
const DefaultTolerance = 5 * time.Minute

// Message is a webhook whose signature was right.
type Message struct {
	// ID names the event. The same id may come more than once, also from an
	// honest sender; handle it once. Only the standard profiles sign it: with
	// any other it is the header's value, "" without a header, and somebody
	// who replays a recorded request may have changed it.
	ID string

	// Timestamp is when this attempt was sent, in whole seconds, UTC. It is
	// the zero time with a profile that does not sign it.
	Timestamp time.Time

	// Body is the signed bytes, untouched.
	Body []byte
}

// Verifier checks messages against a fixed set of secrets. Make it with
// [NewVerifier] or [NewPublicKeyVerifier]; the zero value knows no secret and
// refuses everything with [ErrBadSecret]. It never changes, so any number of
// goroutines may use it.
type Verifier struct {
	profile   Profile
	scheme    *scheme // the profile's, once made
	keys      []key
	tolerance time.Duration
	now       func() time.Time
	maxBody   int64        // zero or less: DefaultMaxBody
	log       *slog.Logger // nil: none
}

// Option changes how a [Verifier] works.
type Option func(*Verifier)

// WithProfile sets the profile by which messages are signed. The default is
// [Standard], and with [NewPublicKeyVerifier] always [StandardEd25519].
func WithProfile(p Profile) Option { return func(v *Verifier) { v.profile = p } }

// WithTolerance sets how far a timestamp may lie from now, in both directions.
// It must be positive; the default is [DefaultTolerance]. The check cannot be
// switched off: without it a recorded request could be replayed forever
// (Standard Webhooks, "Verifying signatures"). The tolerance has no effect in
// a profile that signs no time, where a recorded request can be replayed
// forever: there, remember the messages that you have handled.
func WithTolerance(d time.Duration) Option { return func(v *Verifier) { v.tolerance = d } }

// WithClock sets the function that returns the present time, for tests. It
// must not be nil and must be safe for concurrent use. The default is time.Now.
func WithClock(now func() time.Time) Option { return func(v *Verifier) { v.now = now } }

// NewVerifier makes a verifier that accepts messages signed with any of the
// secrets; during a rotation, give the new and the old one. It returns
// [ErrBadSecret] for no secrets, or a secret that is empty or does not fit the
// profile, and [ErrUnknownProfile]; it refuses a tolerance that is not
// positive.
//
// With [StandardEd25519] it returns [ErrBadSecret] as well: a receiver must
// not hold the private key, so use [NewPublicKeyVerifier].
func NewVerifier(secrets []Secret, opts ...Option) (*Verifier, error) {
	v, err := newVerifier(Standard, opts)
	if err != nil {
		return nil, err
	}
	if v.profile == StandardEd25519 {
		return nil, fmt.Errorf("%w: %s is verified with public keys", ErrBadSecret, v.profile)
	}
	if v.keys, err = v.scheme.secret.keys(secrets); err != nil {
		return nil, err
	}
	return v, nil
}

// NewPublicKeyVerifier makes a verifier for [StandardEd25519] that accepts
// messages signed with the private key of any of the public keys. It returns
// [ErrBadSecret] for no keys, an empty key, or an option that names another
// profile, and refuses a tolerance that is not positive.
func NewPublicKeyVerifier(keys []PublicKey, opts ...Option) (*Verifier, error) {
	v, err := newVerifier(StandardEd25519, opts)
	if err != nil {
		return nil, err
	}
	if v.profile != StandardEd25519 {
		return nil, fmt.Errorf("%w: %s is not verified with public keys", ErrBadSecret, v.profile)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrBadSecret)
	}
	for i, k := range keys {
		if k.IsZero() {
			return nil, fmt.Errorf("%w: number %d is empty", ErrBadSecret, i+1)
		}
		v.keys = append(v.keys, k.bits)
	}
	return v, nil
}

// newVerifier makes a verifier that has no keys yet.
func newVerifier(profile Profile, opts []Option) (*Verifier, error) {
	v := &Verifier{profile: profile, tolerance: DefaultTolerance, now: time.Now}
	for _, opt := range opts {
		opt(v)
	}
	var err error
	if v.scheme, err = v.profile.scheme(); err != nil {
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

// Verify checks the headers against the body, which must be the bytes as
// received: a body decoded and encoded again no longer fits its signature.
// The message's Body is the slice given, not a copy.
//
// The errors are [ErrMissingHeader], [ErrBadID], [ErrBadTimestamp],
// [ErrTooOld], [ErrTooNew] and [ErrNoMatch]; with an error the message is
// empty. A signature header may come in several lines; the id and the time may
// not. At most 32 entries of the signature header are looked at, each of at
// most 128 bytes. The cost is one HMAC over the body for each secret, or one
// Ed25519 verification for each public key and signature.
func (v *Verifier) Verify(header http.Header, body []byte) (Message, error) {
	e, err := v.checkHeaders(header)
	if err != nil {
		return Message{}, err
	}
	return v.match(e, body)
}

// checkHeaders does the checks that need no body: presence, form, freshness.
func (v *Verifier) checkHeaders(header http.Header) (envelope, error) {
	if len(v.keys) == 0 {
		return envelope{}, fmt.Errorf("%w: none given", ErrBadSecret)
	}
	e, err := v.scheme.readEnvelope(header)
	if err != nil {
		return envelope{}, err
	}
	if !v.scheme.signsTime() {
		return e, nil
	}
	return e, v.checkFresh(e.at)
}

// match accepts the message if any of the keys has made one of its signatures.
func (v *Verifier) match(e envelope, body []byte) (Message, error) {
	head := v.scheme.head(e.id, e.timestamp)
	for _, k := range v.keys {
		if v.scheme.digest.check(k(), head, body, e.signatures) {
			return Message{ID: e.id, Timestamp: e.at, Body: body}, nil
		}
	}
	return Message{}, ErrNoMatch
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
