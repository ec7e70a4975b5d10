package receivers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// provider is a Provider that is understood.
type provider struct {
	Provider
	auth       []scheme
	event      source
	id         source
	object     source
	challenges []challenge
	redact     redaction
	methods    []string
}

type challenge struct {
	Challenge
	when   source
	unless source
	reply  template
}

// compiler keeps the first error, so that what is read one after the other
// needs one question only.
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
		c.err = fmt.Errorf("%q: %w", text, err)
	}
	return parsed
}

// compile understands the row and makes the keys of the credentials.
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
		time: c.source(s.Time), tolerance: c.tolerance(s.Tolerance),
		when: c.source(s.If), bodyHash: c.source(s.BodyHash), certURL: c.source(s.CertURL),
	}
	compiled.document = !compiled.coversBody() && compiled.coversDocument(c.wrap)
	c.check(&compiled)
	if keyKinds[s.Key] == nil {
		c.fail("unknown key %q", s.Key)
		return compiled
	}
	compiled.keys = keysOf(s.Key, credentials)
	return compiled
}

// check refuses what would verify nothing, or too much.
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
	case (s.Alg == "rsa-sha256") != (s.Key == certificateKey), (s.Alg == "ed25519") != (s.Key == "whpk"):
		c.fail("%s does not go with key %q", s.Alg, s.Key)
	case (s.Key == certificateKey) && (len(s.certURL) == 0 || len(s.CertHosts) == 0 || s.CertName == ""):
		c.fail("a certificate needs a URL, hosts and a name")
	case (len(s.when) == 0) != (s.Is == ""):
		c.fail("if and is go together")
	case s.Alg != "equal" && !s.coversBody() && !s.document:
		c.fail("the signature %q does not cover the body", s.Signed)
	case s.AnyPort && !s.signed.reads("url"):
		c.fail("any_port is for signatures over {url}")
	case s.Time != "" && !strings.Contains(s.Signed, "{"+string(s.Time)+"}"):
		c.fail("the signature %q does not cover the time", s.Signed)
	}
}

// tolerance takes no window that is open.
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
	}
	switch {
	case strings.Contains(ch.Reply, "{cred}"):
		c.fail("a challenge does not answer with the credential")
	case ch.Method == "":
		c.fail("a challenge needs a method")
	case ch.If == "" && ch.Is != "":
		c.fail("is needs an if")
	}
	return compiled
}

// usable refuses credentials that no scheme can use: whoever sets one expects
// that it does something.
func (p *provider) usable(credentials []Credential) error {
	if len(credentials) == 0 {
		return fmt.Errorf("%w: none given", ErrBadCredential)
	}
	for i, c := range credentials {
		uses := func(s scheme) bool { return len(keysOf(s.Key, []Credential{c})) > 0 }
		if !slices.ContainsFunc(p.auth, uses) {
			return fmt.Errorf("%w: number %d is empty or not of the kind that %s uses", ErrBadCredential, i+1, p.Name)
		}
	}
	return nil
}
