package receivers

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// provider is a compiled Provider.
type provider struct {
	Provider
	auth       []scheme
	event      source
	id         source
	object     source
	challenges []challenge
	redact     redaction
	methods    []string
	oracle     bool // a challenge has tokens signed for anybody
}

type challenge struct {
	Challenge
	when    source
	unless  source
	reply   template
	headers map[string]template
	keep    source
	visit   source
}

// compiler keeps the first error, so that a sequence of steps needs one check
// at its end only.
type compiler struct {
	wrap string // of the row
	err  error
}

func (c *compiler) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrBadProvider, fmt.Sprintf(format, args...))
	}
}

func (c *compiler) source(s Source) source {
	parsed, err := s.parse()
	if c.err == nil {
		c.err = err
	}
	return parsed
}

func (c *compiler) template(text string) template {
	parsed, err := parseTemplate(text)
	if c.err == nil && err != nil {
		c.err = fmt.Errorf("%w (in %q)", err, text)
	}
	return parsed
}

// compile parses the row and makes the keys of the credentials.
func compile(p Provider, credentials []Credential) (*provider, error) {
	if len(p.Auth) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrUnknownProvider, p.Name)
	}
	c := &compiler{wrap: p.Wrap}
	compiled := &provider{
		Provider: p, event: c.source(p.Event), id: c.source(p.ID), object: c.source(p.Object),
		methods: p.Methods,
	}
	if len(p.Methods) == 0 {
		compiled.methods = []string{http.MethodPost}
	}
	for _, s := range p.Auth {
		compiled.auth = append(compiled.auth, c.scheme(s, credentials))
	}
	for _, ch := range p.Challenges {
		compiled.challenges = append(compiled.challenges, c.challenge(ch))
	}
	c.answer(p.Answer)
	c.together(compiled)
	compiled.redact = c.redaction(p)
	if c.err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, c.err)
	}
	return compiled, nil
}

func (c *compiler) scheme(s Scheme, credentials []Credential) scheme {
	if s.Signed == "" {
		s.Signed = "{body}"
	}
	compiled := scheme{
		Scheme: s, verify: algorithms[s.Alg], decode: encodings[s.Enc],
		sig: c.source(s.Sig), signed: c.template(s.Signed), keyID: c.source(s.KeyID),
		time: c.source(s.Time), clock: c.clock(s.TimeAs), tolerance: c.tolerance(s.Tolerance),
		when: c.source(s.If), bodyHash: c.source(s.BodyHash), certURL: c.source(s.CertURL),
	}
	compiled.document = !compiled.coversBody() && compiled.coversDocument(c.wrap)
	c.check(&compiled)
	if _, known := keyKinds[s.Key]; !known {
		c.fail("unknown key %q", s.Key)
		return compiled
	}
	compiled.keys = keysOf(s, credentials)
	return compiled
}

// check refuses a scheme that would verify nothing, or accept too much.
func (c *compiler) check(s *scheme) {
	switch {
	case s.verify == nil:
		c.fail("unknown algorithm %q", s.Alg)
	case s.decode == nil:
		c.fail("unknown encoding %q", s.Enc)
	case len(s.sig) == 0:
		c.fail("no source of signatures")
	case (s.Alg == "equal") && s.sig.reads("json", "form", "=", "body"):
		c.fail("a credential in %s could not be taken out of what is handed on", s.Sig)
	case s.Alg != "equal" && s.Enc == "":
		c.fail("%s needs an encoding", s.Alg)
	case !goesWith(s.Key, s.Alg):
		c.fail("%s does not go with key %q; it goes with %s", s.Alg, s.Key, keysFor(s.Alg))
	case (s.Key == certificateKey) && (len(s.certURL) == 0 || len(s.CertHosts) == 0 || s.CertName == ""):
		c.fail("a certificate needs a URL, hosts and a name")
	case (len(s.when) == 0) != (s.Is == ""):
		c.fail("if and is go together")
	case s.For != "" && s.For != forWebhook && s.For != forChallenge:
		c.fail("for %.40q is neither %s nor %s", s.For, forWebhook, forChallenge)
	case s.AnyPort && !s.signed.reads("url"):
		c.fail("any_port is for signatures over {url}")
	case len(s.signed.macs()) > 0:
		c.fail("what is signed has no HMAC in it")
	default:
		c.coverage(s)
	}
}

// keysFor lists the kinds of key that an algorithm goes with.
func keysFor(alg string) string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(keyKinds)) {
		if goesWith(kind, alg) {
			kinds = append(kinds, strconv.Quote(kind))
		}
	}
	return strings.Join(kinds, ", ")
}

// coverage refuses signatures that cover too little of the request.
func (c *compiler) coverage(s *scheme) {
	switch {
	case s.Covers != "" && s.Covers != coversFields:
		c.fail("covers %.40q is not %s", s.Covers, coversFields)
	case s.Covers == coversFields && (s.Alg == "equal" || s.coversBody() || s.document || !s.signed.readsAny()):
		c.fail("covers %q is for a signature over values of the request that is not over its body", coversFields)
	case s.Alg != "equal" && s.Covers == "" && !s.coversBody() && !s.document:
		c.fail(`the signature does not cover the body: "covers": %q takes it all the same, and then whoever has recorded one request can change all but %q`,
			coversFields, s.Signed)
	case s.Time != "" && !s.coversTime():
		c.fail("the signature %q does not cover the time", s.Signed)
	}
}

// together refuses schemes that are valid by themselves, but where the secret
// of one scheme could serve for another.
func (c *compiler) together(p *provider) {
	signs := func(s scheme) bool { return s.Alg != "equal" }
	mixed := slices.ContainsFunc(p.auth, signs) && !allOf(p.auth, signs)
	for _, s := range p.auth {
		if mixed && !signs(s) && s.For == "" {
			c.fail(`"equal" beside signatures has to say what it proves: "for": %q, with a "name" that its credentials give as their "scheme"; or "for": %q`,
				forChallenge, forWebhook)
		}
		shared := func(other scheme) bool { return other.proves(false) && other.Name == s.Name }
		if s.For == forChallenge && slices.ContainsFunc(p.auth, shared) {
			c.fail(`a scheme for challenges needs a "name" of its own, which its credentials give as their "scheme"`)
		}
	}
	if !slices.ContainsFunc(p.auth, func(s scheme) bool { return s.proves(false) }) {
		c.fail("no scheme proves webhooks")
	}
	for _, ch := range p.challenges {
		c.alone(p, ch)
		p.oracle = p.oracle || ch.hasMACs() && !ch.Signed
	}
}

// alone refuses a challenge that does not fit the provider's schemes.
func (c *compiler) alone(p *provider, ch challenge) {
	switch {
	case ch.hasMACs() && !slices.ContainsFunc(p.auth, func(s scheme) bool { return s.macs() }):
		c.fail("an answer with an HMAC needs a scheme that signs with one")
	case ch.hasMACs() && !ch.Signed && slices.ContainsFunc(p.auth, func(s scheme) bool { return s.Covers != "" }):
		c.fail("a challenge that is answered with an HMAC has to be signed where signatures do not cover the body")
	case ch.Signed && !slices.ContainsFunc(p.auth, func(s scheme) bool { return s.proves(true) }):
		c.fail("no scheme proves challenges")
	case ch.Visit != "" && !slices.ContainsFunc(p.auth, func(s scheme) bool { return s.Key == certificateKey && s.proves(true) }):
		c.fail("a visit needs a scheme with the hosts of certificates")
	}
}

func allOf(schemes []scheme, is func(scheme) bool) bool {
	return !slices.ContainsFunc(schemes, func(s scheme) bool { return !is(s) })
}

// macs reports whether the scheme proves webhooks by an HMAC.
func (s *scheme) macs() bool { return hmacs[s.Alg] != nil && s.proves(false) }

func (c *compiler) clock(as string) func(string) (time.Time, error) {
	read, err := clockOf(as)
	if err != nil {
		c.fail("%v", err)
	}
	return read
}

// tolerance parses a window, which must be positive; "" is the default.
func (c *compiler) tolerance(text string) time.Duration {
	if text == "" {
		return defaultWindow
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		c.fail("tolerance %q is not a positive duration", text)
	}
	return d
}

func (c *compiler) challenge(ch Challenge) challenge {
	compiled := challenge{
		Challenge: ch, when: c.source(ch.If), unless: c.source(ch.Unless), reply: c.template(ch.Reply),
		headers: map[string]template{}, keep: c.source(ch.Keep), visit: c.source(ch.Visit),
	}
	for name, value := range ch.Headers {
		compiled.headers[name] = c.template(value)
	}
	c.answer(Answer{Status: ch.Status, ContentType: ch.ContentType, Headers: ch.Headers, Body: ch.Reply})
	kind, _, _ := mime.ParseMediaType(ch.ContentType)
	switch {
	case compiled.reads(func(s segment) bool { return s.cred }):
		c.fail("a challenge does not answer with the credential")
	case ch.Method == "":
		c.fail("a challenge needs a method")
	case ch.If == "" && ch.Is != "":
		c.fail("is needs an if")
	case !slices.Contains([]string{"", "text/plain", "application/json"}, kind) && compiled.reads(func(s segment) bool { return len(s.source) > 0 }):
		c.fail("content_type %.40q: what comes from a request is answered as text/plain or application/json only", ch.ContentType)
	case !slices.Contains([]int{0, 400, 401, 403, 404}, ch.Refuse), ch.Refuse != 0 && !ch.Signed:
		c.fail("refuse is 400, 401, 403 or 404, of a challenge that is signed")
	case ch.Visit != "" && !ch.Signed:
		c.fail("a challenge with a visit has to be signed")
	case ch.Keep != "" && (ch.Signed || ch.If == ""):
		c.fail("a challenge that brings the secret is not signed, and needs an if")
	case ch.Keep != "" && !compiled.keep.reads("header"):
		c.fail("a secret in %s could not be taken out of what is handed on", ch.Keep)
	}
	return compiled
}

// reads reports whether a segment of the answer has the property.
func (c *challenge) reads(is func(segment) bool) bool {
	return slices.ContainsFunc(c.reply, is) ||
		slices.ContainsFunc(slices.Collect(maps.Values(c.headers)), func(t template) bool { return slices.ContainsFunc(t, is) })
}

func (c *challenge) hasMACs() bool { return c.reads(func(s segment) bool { return s.mac != "" }) }

// keeps reports whether a challenge brings the secret.
func (p *provider) keeps() bool {
	return slices.ContainsFunc(p.challenges, func(c challenge) bool { return len(c.keep) > 0 })
}
