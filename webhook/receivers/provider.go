package receivers

import "slices"

// Provider is everything that this package knows about a sender of webhooks: a
// row of the table, see [Named]. It is plain data, so a provider of your own
// can be a Go literal, a row in a database or a file.
type Provider struct {
	// Name is the provider's name in log lines and in [Event.Provider].
	Name string `json:"name" yaml:"name"`

	// Auth lists the schemes by which a request can prove where it comes from.
	// Any one suffices; there must be at least one.
	Auth []Scheme `json:"auth" yaml:"auth"`

	// Event names the type of the event. "" or absent: no type.
	Event Source `json:"event,omitempty" yaml:"event,omitempty"`

	// ID names the value by which a repetition can be recognised. "" or absent:
	// none.
	ID Source `json:"id,omitempty" yaml:"id,omitempty"`

	// Object names the kind of thing that the event happened to. "" or absent:
	// none.
	Object Source `json:"object,omitempty" yaml:"object,omitempty"`

	// Wrap is the form field that holds the JSON document, where the provider
	// sends a form around it. "" means that it does not.
	Wrap string `json:"wrap,omitempty" yaml:"wrap,omitempty"`

	// Methods lists the HTTP methods of its webhooks. None means POST.
	Methods []string `json:"methods,omitempty" yaml:"methods,omitempty"`

	// Challenges are tried before Auth, in order; the first that fits counts.
	Challenges []Challenge `json:"challenges,omitempty" yaml:"challenges,omitempty"`

	// Answer is the answer that the provider expects. The zero value is an
	// empty answer with status 200.
	Answer Answer `json:"answer,omitzero" yaml:"answer,omitempty"`

	// Redact lists credentials besides those of Auth that are removed from the
	// event: header, query or xml.
	Redact []Source `json:"redact,omitempty" yaml:"redact,omitempty"`
}

// SignsURL reports whether the provider signs the URL that it calls, so that
// [WithPublicURL] or [Request.URL] has to be set.
func (p Provider) SignsURL() bool {
	return slices.ContainsFunc(p.Auth, func(s Scheme) bool {
		signed, err := parseTemplate(s.Signed)
		return err == nil && signed.reads("url")
	})
}

// BringsSecret reports whether the provider itself sends the secret that it
// signs with, so that [New] needs no credentials.
func (p Provider) BringsSecret() bool {
	return slices.ContainsFunc(p.Challenges, func(c Challenge) bool { return c.Keep != "" })
}

// SignsID reports whether each of the provider's signatures covers ID, the
// value by which a repetition is recognised. Where it does not, somebody who
// has recorded a request can replay it under another id.
func (p Provider) SignsID() bool {
	compiled, err := p.ID.parse()
	if err != nil || len(compiled) == 0 {
		return false
	}
	return !slices.ContainsFunc(p.Auth, func(s Scheme) bool {
		return s.For != forChallenge && slices.ContainsFunc(compiled, func(t term) bool { return !s.covers(t) })
	})
}

// These constants are the values of [Scheme.For] and [Scheme.Covers].
const (
	forWebhook   = "webhook"
	forChallenge = "challenge"
	coversFields = "fields"
)

// Scheme is one way to prove where a request comes from.
type Scheme struct {
	// Name ties credentials to the scheme: the scheme uses only credentials
	// with its name, see [Credential.For]. "" uses the credentials that name no
	// scheme. Several schemes may have the same name, but a scheme that proves
	// webhooks and a scheme that is for challenges alone may not.
	Name string `json:"name,omitempty" yaml:"name,omitempty"`

	// For says which requests the scheme proves: webhook, or challenge, which
	// proves challenges that are Signed and never a webhook. "" means both.
	// Where some schemes of a row sign and others have Alg equal, an equal
	// scheme must set For; for a challenge it also needs a Name, so that
	// neither secret serves for the other.
	For string `json:"for,omitempty" yaml:"for,omitempty"`

	// Alg is one of hmac-sha256, hmac-sha1, hmac-sha512, ed25519, ecdsa-sha256
	// (over P-256 and the like, the signature in ASN.1), rsa-sha256, rsa-sha1
	// (both PKCS #1 v1.5) and equal, which compares the credential itself. It
	// is fixed here: nothing in a request can choose it.
	Alg string `json:"alg" yaml:"alg"`

	// Enc is the encoding of Sig: hex (in either case), base64, or "" for plain
	// text, which only equal may have.
	Enc string `json:"enc,omitempty" yaml:"enc,omitempty"`

	// Sig names the signature. Any one of several signatures may fit, but with
	// equal there must be exactly one. At most 32 are tried.
	Sig Source `json:"sig" yaml:"sig"`

	// Split separates several signatures in one value; blanks around each are
	// ignored. "" means one.
	Split string `json:"split,omitempty" yaml:"split,omitempty"`

	// Prefix must stand before a signature and is cut off. A prefix that ends
	// in a blank, such as "Bearer ", is the name of an authentication scheme:
	// it matches in upper and lower case, with any number of blanks (RFC 9110
	// section 11).
	Prefix string `json:"prefix,omitempty" yaml:"prefix,omitempty"`

	// Signed is the text that the signature covers, with {source} in it, and
	// {cred} for the credential. "" means {body}. A source that is absent, or
	// there more than once, is refused. Signed has to cover the body, or, as
	// {form.payload} does where payload is the row's Wrap, the JSON in a form;
	// then only that JSON is handed on.
	Signed string `json:"signed,omitempty" yaml:"signed,omitempty"`

	// AnyPort also accepts a signature over {url} if the URL was signed without
	// its port, or with the default port that it lacks.
	AnyPort bool `json:"any_port,omitempty" yaml:"any_port,omitempty"`

	// Covers is "fields" where the signature covers values of the request only
	// and not its body, as at Mailgun: somebody who has recorded one request
	// can then change everything else in it. "" means that the body must be
	// covered.
	Covers string `json:"covers,omitempty" yaml:"covers,omitempty"`

	// Key says how a credential becomes the key:
	//
	//	""      its text
	//	plain   its text, unless that begins with whsec_, whsk_ or whpk_
	//	basic   its text, user:password
	//	oauth1  its text and an ampersand
	//	hex     its bytes, decoded from hexadecimal
	//	base64  its bytes, decoded from base64
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

	// Time names the time at which the request was signed. "" means that the
	// request has none, and then a recorded request can be replayed forever.
	Time Source `json:"time,omitempty" yaml:"time,omitempty"`

	// TimeAs is the format of Time: s, ms, us or ns, which count since 1970, or
	// a layout of package time. "" means Unix time, where 13 digits are
	// milliseconds, 16 microseconds and 19 nanoseconds.
	TimeAs string `json:"time_as,omitempty" yaml:"time_as,omitempty"`

	// Tolerance is the distance that Time may have from now, in both
	// directions, such as 5m. "" means 5m. It must be positive.
	Tolerance string `json:"tolerance,omitempty" yaml:"tolerance,omitempty"`

	// If names a value that must be there and equal Is, or the scheme does not
	// hold. "" means no condition.
	If Source `json:"if,omitempty" yaml:"if,omitempty"`
	Is string `json:"is,omitempty" yaml:"is,omitempty"`

	// BodyHash names a value that must be the SHA-256 of the body in hex, for
	// signatures that cover the body through its hash. "" means no condition.
	BodyHash Source `json:"body_hash,omitempty" yaml:"body_hash,omitempty"`

	// CertURL names the URL from which the certificate of Key cert is fetched,
	// if its host is one of CertHosts, in which {region} stands for a region of
	// Amazon, and its path ends in CertPath. One of the names in the
	// certificate must end in CertName.
	CertURL   Source   `json:"cert_url,omitempty" yaml:"cert_url,omitempty"`
	CertHosts []string `json:"cert_hosts,omitempty" yaml:"cert_hosts,omitempty"`
	CertPath  string   `json:"cert_path,omitempty" yaml:"cert_path,omitempty"`
	CertName  string   `json:"cert_name,omitempty" yaml:"cert_name,omitempty"`
}

// Challenge describes a request that is not a webhook: with it the provider
// asks whether the endpoint is there, or brings the secret that it signs with
// from then on. It is answered and not handed on.
type Challenge struct {
	// Method is its HTTP method. Required.
	Method string `json:"method" yaml:"method"`

	// If names a value that must be there, and equal Is unless Is is "". ""
	// means no condition.
	If Source `json:"if,omitempty" yaml:"if,omitempty"`
	Is string `json:"is,omitempty" yaml:"is,omitempty"`

	// Unless names a value that must not be there. "" means no condition.
	Unless Source `json:"unless,omitempty" yaml:"unless,omitempty"`

	// Signed says that one of the provider's schemes has to hold as well.
	Signed bool `json:"signed,omitempty" yaml:"signed,omitempty"`

	// Refuse is the status of a Signed challenge for which no scheme holds:
	// 400, 401, 403 or 404. 0 means 401.
	Refuse int `json:"refuse,omitempty" yaml:"refuse,omitempty"`

	// Reply is the answer's body: text with {source} in it, at most 1 KiB. ""
	// is an empty answer. An HMAC of a source, with the credential that fits as
	// its key, is written {hmac-sha256.hex:source}; sha1, sha512 and base64
	// work as well. A challenge that is not Signed is answered with an HMAC
	// only of a value that consists of letters, digits and -._~+/=, and with
	// the first credential as its key. A brace that is text is written twice.
	Reply string `json:"reply,omitempty" yaml:"reply,omitempty"`

	// Headers are the headers of the answer, each written like Reply.
	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`

	// ContentType is the type of Reply: text/plain, or application/json, in
	// which values of the request are escaped. "" means text/plain.
	ContentType string `json:"content_type,omitempty" yaml:"content_type,omitempty"`

	// Status is the status of the answer, 200 to 299. 0 means 200.
	Status int `json:"status,omitempty" yaml:"status,omitempty"`

	// Keep names the secret that the provider sends and signs with from then
	// on, of at least 16 characters; see [Result.Keep]. Only a receiver without
	// credentials accepts a new secret. A receiver with credentials accepts the
	// challenge again with a secret that it has, and refuses any other.
	Keep Source `json:"keep,omitempty" yaml:"keep,omitempty"`

	// Visit names a URL that is fetched once, before the answer, to confirm to
	// the provider that the endpoint wants its webhooks. It must be on one of
	// the CertHosts of the scheme that holds; so the challenge must be Signed.
	Visit Source `json:"visit,omitempty" yaml:"visit,omitempty"`
}
