package receivers

import "slices"

// Provider is everything that this package knows about who sends webhooks: a
// row of the table, see [Named]. It holds strings only, so a provider of your
// own can be a Go literal, a row in a database or a file.
type Provider struct {
	// Name is what log lines and [Event.Provider] call it.
	Name string `json:"name" yaml:"name"`

	// Auth are the ways in which a request can prove where it comes from. Any
	// one suffices; there must be one.
	Auth []Scheme `json:"auth" yaml:"auth"`

	// Event names the type of what happened. "" or absent: no type.
	Event Source `json:"event,omitempty" yaml:"event,omitempty"`

	// ID is what a repetition can be recognised by. "" or absent: none.
	ID Source `json:"id,omitempty" yaml:"id,omitempty"`

	// Object names the kind of thing it happened to. "" or absent: none.
	Object Source `json:"object,omitempty" yaml:"object,omitempty"`

	// Wrap is the form field that holds the JSON document, where the provider
	// sends a form around it. "" means that it does not.
	Wrap string `json:"wrap,omitempty" yaml:"wrap,omitempty"`

	// Methods are those of its webhooks. None means POST.
	Methods []string `json:"methods,omitempty" yaml:"methods,omitempty"`

	// Challenges are looked at first, in order.
	Challenges []Challenge `json:"challenges,omitempty" yaml:"challenges,omitempty"`

	// Answer is what the provider wants to hear. The zero value is an empty
	// answer with status 200.
	Answer Answer `json:"answer,omitzero" yaml:"answer,omitempty"`

	// Redact are credentials besides those of Auth, taken out of what is
	// handed on: header, query or xml.
	Redact []Source `json:"redact,omitempty" yaml:"redact,omitempty"`
}

// SignsURL tells whether the URL that the provider calls is part of what it
// signs, so that [WithPublicURL] or [Request.URL] has to say which it is.
func (p Provider) SignsURL() bool {
	return slices.ContainsFunc(p.Auth, func(s Scheme) bool {
		signed, err := parseTemplate(s.Signed)
		return err == nil && signed.reads("url")
	})
}

// BringsSecret tells whether the provider sends what it signs with, so that
// [New] needs no credentials.
func (p Provider) BringsSecret() bool {
	return slices.ContainsFunc(p.Challenges, func(c Challenge) bool { return c.Keep != "" })
}

// SignsID tells whether what a repetition is recognised by is covered by each
// of the provider's signatures. Where it is not, whoever has recorded a request
// can send it again under another id.
func (p Provider) SignsID() bool {
	compiled, err := p.ID.parse()
	if err != nil || len(compiled) == 0 {
		return false
	}
	return !slices.ContainsFunc(p.Auth, func(s Scheme) bool {
		return s.For != forChallenge && slices.ContainsFunc(compiled, func(t term) bool { return !s.covers(t) })
	})
}

// What [Scheme.For] and [Scheme.Covers] can be.
const (
	forWebhook   = "webhook"
	forChallenge = "challenge"
	coversFields = "fields"
)

// Scheme is one way to prove where a request comes from.
type Scheme struct {
	// Name ties credentials to the scheme: it takes those that name it, see
	// [Credential.For], and no others. "" takes those that name no scheme.
	// Several schemes may have the same name, but never one that proves
	// webhooks and one that is for challenges alone.
	Name string `json:"name,omitempty" yaml:"name,omitempty"`

	// For is what the scheme proves: webhook, or challenge, which proves
	// challenges that are Signed and never a webhook. "" means both. Where
	// some schemes of a row sign and equal stands beside them, equal has to
	// say which; for a challenge it needs a Name, so that neither secret
	// serves for the other.
	For string `json:"for,omitempty" yaml:"for,omitempty"`

	// Alg is one of hmac-sha256, hmac-sha1, hmac-sha512, ed25519, ecdsa-sha256
	// (over P-256 and the like, the signature in ASN.1), rsa-sha256, rsa-sha1
	// (both PKCS #1 v1.5) and equal, which compares the credential itself. It
	// is fixed here: nothing in a request can choose it.
	Alg string `json:"alg" yaml:"alg"`

	// Enc is how Sig is written: hex (of either case), base64, or "" for as it
	// is, which only equal may have.
	Enc string `json:"enc,omitempty" yaml:"enc,omitempty"`

	// Sig is where the signature is. Of several any may fit, but with equal
	// there must be exactly one. At most 32 are looked at.
	Sig Source `json:"sig" yaml:"sig"`

	// Split separates several signatures in one value; blanks around each are
	// ignored. "" means one.
	Split string `json:"split,omitempty" yaml:"split,omitempty"`

	// Prefix must stand before a signature and is cut off. One that ends in a
	// blank, such as "Bearer ", is the name of an authentication scheme: it
	// counts in any case, with any number of blanks (RFC 9110 section 11).
	Prefix string `json:"prefix,omitempty" yaml:"prefix,omitempty"`

	// Signed is what the signature covers: text with {source} in it, and
	// {cred} for the credential. "" means {body}. A source that is absent, or
	// there more than once, is refused. It has to cover the body, or, as
	// {form.payload} does where that is the row's Wrap, the JSON in a form, of
	// which only that JSON is handed on then.
	Signed string `json:"signed,omitempty" yaml:"signed,omitempty"`

	// AnyPort takes a signature over {url} also where the URL was signed
	// without its port, or with the default one that it lacks.
	AnyPort bool `json:"any_port,omitempty" yaml:"any_port,omitempty"`

	// Covers is "fields" where the signature covers values of the request only
	// and not its body, as at Mailgun: whoever has recorded one request can
	// then change all else in it. "" means that the body must be covered.
	Covers string `json:"covers,omitempty" yaml:"covers,omitempty"`

	// Key is how a credential becomes the key:
	//
	//	""      its text
	//	plain   its text, unless that begins with whsec_, whsk_ or whpk_
	//	basic   its text, user:password
	//	oauth1  its text and an ampersand
	//	hex     what it is the hexadecimal form of
	//	base64  what it is the base64 of
	//	whsec   likewise, with or without whsec_ before it
	//	whpk    an Ed25519 public key: whpk_ and base64, or hexadecimal
	//	public  a public key: PEM, or the base64 that is in it; of Ed25519 also
	//	        its 32 bytes, in base64 or hexadecimal
	//	org     its first 15 characters of 15 or 18, likewise in the request
	//	cert    a certificate that the request names; see CertURL
	//
	// A credential that a scheme cannot use is not tried with it.
	Key string `json:"key,omitempty" yaml:"key,omitempty"`

	// KeyID names, in the request, the credential to try; see [Keyed]. ""
	// means all of them.
	KeyID Source `json:"key_id,omitempty" yaml:"key_id,omitempty"`

	// Time is when the request was signed. "" means that nothing says so, and
	// then a recorded request is good for ever.
	Time Source `json:"time,omitempty" yaml:"time,omitempty"`

	// TimeAs is how Time is written: s, ms, us or ns, which count since 1970,
	// or a layout of package time. "" means Unix time, of which 13 digits are
	// milliseconds, 16 microseconds and 19 nanoseconds.
	TimeAs string `json:"time_as,omitempty" yaml:"time_as,omitempty"`

	// Tolerance is how far Time may lie from now, in both directions, such as
	// 5m. "" means 5m. It must be positive.
	Tolerance string `json:"tolerance,omitempty" yaml:"tolerance,omitempty"`

	// If must be there and be Is, or the scheme does not hold. "" means no
	// condition.
	If Source `json:"if,omitempty" yaml:"if,omitempty"`
	Is string `json:"is,omitempty" yaml:"is,omitempty"`

	// BodyHash must be the SHA-256 of the body in hex: for signatures that
	// cover the body through it. "" means no condition.
	BodyHash Source `json:"body_hash,omitempty" yaml:"body_hash,omitempty"`

	// CertURL is where the certificate of Key cert is fetched from, if its
	// host is one of CertHosts, in which {region} stands for a region of
	// Amazon, and its path ends in CertPath. CertName is what one of the names
	// in the certificate must end in.
	CertURL   Source   `json:"cert_url,omitempty" yaml:"cert_url,omitempty"`
	CertHosts []string `json:"cert_hosts,omitempty" yaml:"cert_hosts,omitempty"`
	CertPath  string   `json:"cert_path,omitempty" yaml:"cert_path,omitempty"`
	CertName  string   `json:"cert_name,omitempty" yaml:"cert_name,omitempty"`
}

// Challenge is a request that is no webhook: by it the provider asks whether
// the endpoint is there, or brings what it signs with from then on. It is
// answered and handed to nobody.
type Challenge struct {
	// Method is the one it comes with.
	Method string `json:"method" yaml:"method"`

	// If must be there, and be Is unless that is "". "" means always.
	If Source `json:"if,omitempty" yaml:"if,omitempty"`
	Is string `json:"is,omitempty" yaml:"is,omitempty"`

	// Unless must not be there. "" means no condition.
	Unless Source `json:"unless,omitempty" yaml:"unless,omitempty"`

	// Signed tells that one of the provider's schemes has to hold as well.
	Signed bool `json:"signed,omitempty" yaml:"signed,omitempty"`

	// Refuse is the status where it does not: 400, 401, 403 or 404. 0 is 401.
	Refuse int `json:"refuse,omitempty" yaml:"refuse,omitempty"`

	// Reply is the answer's body: text with {source} in it, at most 1 KiB. ""
	// is an empty answer. An HMAC of a source, under the credential that fits,
	// is written {hmac-sha256.hex:source}, with sha1 or sha512 and base64 as
	// well; a challenge that is not Signed is answered with one of letters,
	// digits and -._~+/= only, under the first credential. A brace that is
	// text is written twice.
	Reply string `json:"reply,omitempty" yaml:"reply,omitempty"`

	// Headers are those of the answer, each as Reply is.
	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`

	// ContentType of Reply is text/plain or application/json, in which what
	// comes from the request is escaped. "" means text/plain.
	ContentType string `json:"content_type,omitempty" yaml:"content_type,omitempty"`

	// Status is the answer's, of success. 0 is 200.
	Status int `json:"status,omitempty" yaml:"status,omitempty"`

	// Keep is the secret that the provider sends and signs with from then on,
	// of 16 characters at least; see [Result.Keep]. It counts for a receiver
	// without credentials only. To another one the challenge may come again
	// with a secret that it has; with any other it is refused.
	Keep Source `json:"keep,omitempty" yaml:"keep,omitempty"`

	// Visit is a URL that is fetched before the answer, once, by which the
	// provider knows that the endpoint wants to hear from it. It is on one of
	// the CertHosts of the scheme that holds; so the challenge must be Signed.
	Visit Source `json:"visit,omitempty" yaml:"visit,omitempty"`
}
