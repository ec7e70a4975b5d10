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

	// Answer is what the provider wants to hear, with status 200. The zero
	// value is an empty answer.
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

// Scheme is one way to prove where a request comes from.
type Scheme struct {
	// Alg is one of hmac-sha256, hmac-sha1, hmac-sha512, ed25519, rsa-sha256
	// and equal, which compares the credential itself. It is fixed here:
	// nothing in a request can choose it.
	Alg string `json:"alg" yaml:"alg"`

	// Enc is how Sig is written: hex (of either case), base64, or "" for as it
	// is, which only equal may have.
	Enc string `json:"enc,omitempty" yaml:"enc,omitempty"`

	// Sig is where the signature is. Of several any may fit, but with equal
	// there must be exactly one. At most 32 are looked at.
	Sig Source `json:"sig" yaml:"sig"`

	// Split separates several signatures in one value. "" means one.
	Split string `json:"split,omitempty" yaml:"split,omitempty"`

	// Prefix must stand before a signature and is cut off.
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

	// Key is how a credential becomes the key:
	//
	//	""      its text
	//	plain   its text, unless that begins with whsec_, whsk_ or whpk_
	//	whsec   the base64 behind whsec_
	//	whpk    the base64 behind whpk_, an Ed25519 public key
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

	// TimeAs is the layout of Time, as package time has it. "" means Unix
	// seconds.
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
	// host is one of CertHosts. CertName is what one of the names in the
	// certificate must end in.
	CertURL   Source   `json:"cert_url,omitempty" yaml:"cert_url,omitempty"`
	CertHosts []string `json:"cert_hosts,omitempty" yaml:"cert_hosts,omitempty"`
	CertName  string   `json:"cert_name,omitempty" yaml:"cert_name,omitempty"`
}

// Challenge is a request that is no webhook: by it the provider asks whether
// the endpoint is there. It is answered with 200 and handed to nobody.
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

	// Reply is the answer: text with {source} in it, at most 1 KiB, sent as
	// text/plain. "" is an empty answer.
	Reply string `json:"reply,omitempty" yaml:"reply,omitempty"`
}
