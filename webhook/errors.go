package webhook

import "errors"

// These errors say why a message is refused. Every error of [Verifier.Verify]
// and [Verifier.VerifyRequest] wraps exactly one of them, except a failure to
// read the body, which wraps the reader's error. Test them with errors.Is; a
// sender learns enough from status 401 (413 for [ErrTooLarge]), the answers of
// [Verifier.Handler].
var (
	// ErrMissingHeader: a header that the profile needs is absent or empty.
	ErrMissingHeader = errors.New("webhook: missing header")

	// ErrBadID: the id contains a full stop, is longer than 256 bytes, or is
	// there more than once. A full stop would leave open where the id ends and
	// the timestamp begins in the signed text (Standard Webhooks, "Signature
	// scheme"). [Sign] returns it too, and also for an empty id.
	ErrBadID = errors.New("webhook: bad id")

	// ErrBadTimestamp: the timestamp is not Unix seconds in plain decimal, is
	// there more than once, or is not in the signature header that should hold
	// it.
	ErrBadTimestamp = errors.New("webhook: bad timestamp")

	// ErrTooOld: the timestamp lies further back than the tolerance. Either a
	// replay, or the receiver's clock is fast.
	ErrTooOld = errors.New("webhook: timestamp too old")

	// ErrTooNew: the timestamp lies further ahead than the tolerance. Usually
	// the receiver's clock is slow.
	ErrTooNew = errors.New("webhook: timestamp too new")

	// ErrNoMatch: no signature of the profile belongs to any of the secrets:
	// forged, changed on the way, or signed with another secret.
	ErrNoMatch = errors.New("webhook: no matching signature")

	// ErrTooLarge: the body is longer than the receiver allows.
	ErrTooLarge = errors.New("webhook: body too large")
)

// ErrBadSecret is the error for a secret or key that cannot be used:
// [Profile.ParseSecret] and [ParsePublicKey] return it for text that is no
// secret or key, and signing and making a verifier return it without a secret
// or with a secret that does not fit the profile. The text given is never part
// of the error.
var ErrBadSecret = errors.New("webhook: bad secret")

// ErrTooManySecrets is the error of signing with several secrets when the
// profile has room for one signature only, see [Profile.HoldsSeveral].
var ErrTooManySecrets = errors.New("webhook: too many secrets")

// ErrUnknownProfile is the error for a [Profile] that [Profiles] does not
// list. Its text names that profile.
var ErrUnknownProfile = errors.New("webhook: unknown profile")
