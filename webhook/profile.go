package webhook

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Profile names a way to sign messages: the header, the bytes that are signed,
// the digest, the encoding and the kind of secret. Every profile sends
// webhook-id and webhook-timestamp as well, so that every receiver can
// recognise a repetition; only the standard profiles sign both of them, and
// [Stripe] signs the time.
//
// The zero value and any name that [Profiles] does not list are no profile:
// their methods return [ErrUnknownProfile].
type Profile string

const (
	// Standard is Standard Webhooks 1.0 with HMAC-SHA256, version v1:
	// webhook-signature over id, time and body. Its secrets are whsec_ and
	// base64. It is the default everywhere.
	Standard Profile = "standard"

	// StandardEd25519 is Standard Webhooks 1.0 with Ed25519, version v1a: the
	// sender alone holds the private key (whsk_ and base64), receivers verify
	// with the public one (whpk_ and base64, see [PublicKey]).
	StandardEd25519 Profile = "standard-ed25519"

	// GitHub signs the way GitHub does: X-Hub-Signature-256 over the body alone
	// (GitHub, "Validating webhook deliveries").
	GitHub Profile = "github"

	// Stripe signs the way Stripe does: Stripe-Signature with a time, over time
	// and body (Stripe, "Verify webhook signatures manually"). The whole text
	// of the secret is the key, a prefix whsec_ included.
	Stripe Profile = "stripe"

	// ASPNet signs the way custom senders of Microsoft ASP.NET WebHooks do:
	// ms-signature over the body alone, in capital letters (WebHookSender).
	ASPNet Profile = "aspnet"

	// ServiceStack signs the way ServiceStack.Webhooks does: X-Hub-Signature
	// over the body alone, labelled sha1= although it is HMAC-SHA256
	// (HmacUtils).
	ServiceStack Profile = "servicestack"
)

// scheme is a profile's row in the table.
type scheme struct {
	profile  Profile
	header   string   // carries the signatures
	label    string   // stands before each signature
	between  string   // separates signatures; "": there is room for one only
	time     string   // stands before the time, which then is in the same header; "": the time is in webhook-timestamp
	signed   string   // the text that the signature covers before the body; {id} and {time} are filled in
	encoding encoding // of a signature
	digest   digest
	secret   secretKind
}

// schemes holds everything in which the profiles differ.
var schemes = []scheme{
	{
		profile: Standard, header: HeaderSignature, label: "v1,", between: " ",
		signed: "{id}.{time}.", encoding: base64Text, digest: hmacSHA256, secret: sharedSecret,
	},
	{
		profile: StandardEd25519, header: HeaderSignature, label: "v1a,", between: " ",
		signed: "{id}.{time}.", encoding: base64Text, digest: ed25519Digest, secret: privateKey,
	},
	{
		profile: GitHub, header: "X-Hub-Signature-256", label: "sha256=",
		encoding: lowerHex, digest: hmacSHA256, secret: verbatimSecret,
	},
	{
		profile: Stripe, header: "Stripe-Signature", label: "v1=", between: ",", time: "t=",
		signed: "{time}.", encoding: lowerHex, digest: hmacSHA256, secret: verbatimSecret,
	},
	{
		profile: ASPNet, header: "ms-signature", label: "sha256=",
		encoding: upperHex, digest: hmacSHA256, secret: verbatimSecret,
	},
	{
		profile: ServiceStack, header: "X-Hub-Signature", label: "sha1=",
		encoding: lowerHex, digest: hmacSHA256, secret: verbatimSecret,
	},
}

// Profiles lists all profiles, the default first. The list is the caller's.
func Profiles() []Profile {
	names := make([]Profile, len(schemes))
	for i := range schemes {
		names[i] = schemes[i].profile
	}
	return names
}

// Header is the name of the header that carries the signatures; "" when p is
// no profile.
func (p Profile) Header() string {
	s, err := p.scheme()
	if err != nil {
		return ""
	}
	return s.header
}

// NewSecret makes a random secret of the kind that p signs with: for
// [StandardEd25519] a private key, whsk_…, otherwise 32 bytes as whsec_….
// When p is no profile it returns the zero Secret, which cannot sign.
func (p Profile) NewSecret() Secret {
	s, err := p.scheme()
	if err != nil {
		return Secret{}
	}
	return secretOf(s.secret.fresh())
}

// ParseSecret reads the text of a secret for p and returns [ErrBadSecret] when
// p cannot sign with it:
//
//   - [Standard] takes whsec_ and 24 to 64 bytes in standard base64; the prefix
//     and the padding may be missing.
//   - [StandardEd25519] takes whsk_ and, in the same base64, the 32 bytes of a
//     seed, or the seed followed by the 32 bytes of its public key.
//   - The others use the text as it is, a prefix included. They take 16 to
//     256 printable ASCII characters, with no space at either end and no
//     quotation marks around them. They refuse a text that begins with the
//     name of a variable and =, or with whsk_ or whpk_: an Ed25519 key must
//     never serve as a shared secret, least of all a public key.
//
// A text that one profile takes may not fit another: parse it again when the
// profile changes.
func (p Profile) ParseSecret(text string) (Secret, error) {
	s, err := p.scheme()
	if err != nil {
		return Secret{}, err
	}
	if _, err := s.secret.key(text); err != nil {
		return Secret{}, err
	}
	return secretOf(text), nil
}

// HoldsSeveral reports whether the header of p has room for several
// signatures, as in [Standard], [StandardEd25519] and [Stripe]. While a secret
// is being replaced, a sender with one of these profiles signs with the old
// and the new secret. With any other profile it has to choose one, and until
// every receiver has the new secret that is the old one. Sending two lines of
// the header does not help: many receivers join the lines of a header with a
// comma (RFC 9110 §5.3), and then neither signature fits.
func (p Profile) HoldsSeveral() bool {
	s, err := p.scheme()
	return err == nil && s.between != ""
}

// Sign returns the value of the signature header, see [Profile.Header]: a
// signature for each secret, in the order given.
//
// The body is signed as it is, so the very same bytes must be sent; the time
// counts in whole seconds. The errors are [ErrUnknownProfile], [ErrBadID] for
// an id that is empty, holds a full stop or is longer than 256 bytes,
// [ErrBadSecret] without a secret or with a secret that does not fit p, and
// [ErrTooManySecrets] with several secrets when [Profile.HoldsSeveral] is
// false.
func (p Profile) Sign(id string, at time.Time, body []byte, secrets ...Secret) (string, error) {
	s, err := p.scheme()
	if err != nil {
		return "", err
	}
	if id == "" {
		return "", fmt.Errorf("%w: it is empty", ErrBadID)
	}
	if err := checkID(id); err != nil {
		return "", err
	}
	keys, err := s.secret.keys(secrets)
	if err != nil {
		return "", err
	}
	if len(keys) > 1 && s.between == "" {
		return "", fmt.Errorf("%w: %s has room for one signature", ErrTooManySecrets, p)
	}
	return s.sign(id, unixText(at), body, keys), nil
}

// SetHeaders signs like [Profile.Sign] and sets webhook-id, webhook-timestamp
// and the signature header, replacing what is there. On an error it leaves
// them alone.
//
// It uses the canonical keys of net/http, so that Get, Set and Del find the
// headers, and over HTTP/1.1 net/http sends its own spelling: Webhook-Id. That
// is right by RFC 9110 §5.1, but some receivers, such as PHP programs that
// read getallheaders, look for the small letters of the specification. To
// reach them, sign with [Profile.Sign] and assign the names as they are
// written here, which net/http leaves alone:
//
//	h[webhook.HeaderID] = []string{id}
func (p Profile) SetHeaders(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) error {
	signature, err := p.Sign(id, at, body, secrets...)
	if err != nil {
		return err
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, unixText(at))
	h.Set(p.Header(), signature)
	return nil
}

func (p Profile) scheme() (*scheme, error) {
	i := slices.IndexFunc(schemes, func(s scheme) bool { return s.profile == p })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", ErrUnknownProfile, string(p))
	}
	return &schemes[i], nil
}
