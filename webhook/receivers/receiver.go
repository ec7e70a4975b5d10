package receivers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"
)

// DefaultMaxBody is the longest body that [Receiver.Handler] accepts by
// default, in bytes: 1 MiB. GitHub sends up to 25 MB, most others far less than
// 1 MB.
const DefaultMaxBody = 1 << 20

// Receiver verifies the requests of one provider to one endpoint. Make it with
// [New]; the zero value is of no use. It never changes, so any number of
// goroutines may use it.
type Receiver struct {
	provider  *provider
	publicURL string
	maxBody   int64
	certs     *Certificates
	log       *slog.Logger
}

// Option changes how a [Receiver] works.
type Option func(*Receiver)

// WithPublicURL sets the part before the path of the URL that the provider
// calls, such as https://hooks.example.com, for [Receiver.Handler]. Providers
// that sign the URL (Mandrill, Trello and Twilio) need it: the host in a
// request proves nothing, and behind a proxy it is not the public one.
func WithPublicURL(base string) Option {
	return func(r *Receiver) { r.publicURL = strings.TrimRight(base, "/") }
}

// WithMaxBody sets the longest body that [Receiver.Handler] accepts, as it came
// and decompressed, in bytes. Zero or less means [DefaultMaxBody].
func WithMaxBody(bytes int64) Option { return func(r *Receiver) { r.maxBody = bytes } }

// WithCertificates sets the cache that fetches the certificates of PayPal and
// Amazon SNS, and the URLs of [Challenge.Visit]. By default, all receivers
// share [NewCertificates] with a plain HTTP client.
func WithCertificates(c *Certificates) Option { return func(r *Receiver) { r.certs = c } }

// WithLogger sets the logger to which [Receiver.Handler] writes why it refused
// a request or did not handle it. By default, nothing is logged.
func WithLogger(log *slog.Logger) Option { return func(r *Receiver) { r.log = log } }

// New makes a receiver of requests that fit any of the credentials. It returns
// [ErrUnknownProvider] for a provider without schemes, [ErrBadProvider] for a
// row that does not work, a [CredentialError] for a credential that is empty,
// that no scheme of the provider can use, or that has quotation marks or other
// text pasted along with it, and [ErrBadCredential] where no credential would
// prove a webhook. A provider that brings the secret itself (Asana) needs no
// credentials; see [Result.Keep].
func New(p Provider, credentials []Credential, opts ...Option) (*Receiver, error) {
	compiled, err := compile(p, credentials)
	if err != nil {
		return nil, err
	}
	if err := compiled.usable(credentials); err != nil {
		return nil, err
	}
	r := &Receiver{provider: compiled, maxBody: DefaultMaxBody, certs: sharedCertificates(), log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(r)
	}
	if r.maxBody <= 0 {
		r.maxBody = DefaultMaxBody
	}
	return r, nil
}

// Result is the content of a verified request.
type Result struct {
	// Challenge says that the request is a [Challenge]: send Answer, there is
	// no event.
	Challenge bool

	// Answer is to be sent once the event, or the secret of Keep, is stored.
	Answer Answer

	// Types lists the types of the events in the request, in order: usually
	// one, none where the provider sends none, several with Pusher and ASP.NET
	// WebHooks.
	Types []string

	// IDs lists all ids of the request, by which a repetition can be
	// recognised: usually one, none where the provider sends none, one for each
	// notification with Salesforce. An id longer than 1 KiB is replaced by its
	// SHA-256 in hex; a longer type is cut.
	IDs []string

	event func() Event // a function, because fmt reaches unexported fields
	keep  func() string
}

// Keep returns the secret that the challenge brought to a receiver without
// credentials; the provider signs with it from then on. If none is stored yet,
// store it before the Answer is sent, and make another receiver with it: this
// receiver never gets a credential. "" means that there is nothing to keep.
func (r Result) Keep() string {
	if r.keep == nil {
		return ""
	}
	return r.keep()
}

// Verify checks that the request comes from the provider, and reads it. The
// errors are the ones of this package that [Status] lists; with an error the
// result is empty. The signature is always checked over the body as it came;
// only then is the body decompressed and converted to UTF-8, and refused if
// some of it would be lost. [Result.Event] does the rest.
//
// The context bounds the fetching of a certificate, which only providers that
// sign with one (PayPal) need.
func (r *Receiver) Verify(ctx context.Context, req Request) (Result, error) {
	q := newRequest(req, r.provider.Wrap, r.maxBody)
	if c := r.provider.challengeOf(q); c != nil {
		return r.answer(ctx, c, q)
	}
	if !slices.Contains(r.provider.methods, req.Method) {
		return Result{}, fmt.Errorf("%w: %.16q", ErrMethod, req.Method)
	}
	if r.provider.oracle && isToken(string(req.Body)) {
		return Result{}, fmt.Errorf("%w: a challenge could have had its body signed", ErrNoMatch)
	}
	p, err := r.authenticate(ctx, q, false)
	if err != nil {
		return Result{}, err
	}
	if err := q.readable(); err != nil {
		return Result{}, err
	}
	return r.provider.result(q, p.scheme), nil
}

func (p *provider) challengeOf(q *request) *challenge {
	for i := range p.challenges {
		if p.challenges[i].fits(q) {
			return &p.challenges[i]
		}
	}
	return nil
}

func (c *challenge) fits(q *request) bool {
	if c.Method != q.Method || len(c.unless.values(q)) > 0 {
		return false
	}
	if len(c.when) == 0 {
		return true
	}
	value, ok := c.when.one(q)
	return ok && len(value) <= maxValue && q.spoilt == nil && (c.Is == "" || value == c.Is)
}

func (r *Receiver) answer(ctx context.Context, c *challenge, q *request) (Result, error) {
	p, err := r.proofOf(ctx, c, q)
	if err != nil {
		return Result{}, err
	}
	result := Result{Challenge: true}
	if result.Answer, err = c.fill(q, p.key); err != nil {
		return Result{}, err
	}
	switch {
	case q.spoilt != nil && c.Signed:
		return Result{}, q.spoilt
	case q.spoilt != nil:
		return Result{}, fmt.Errorf("%w: the challenge cannot be read", ErrMalformed)
	}
	if result.keep, err = r.provider.kept(c, q); err != nil {
		return Result{}, err
	}
	if len(c.visit) > 0 {
		at, _ := c.visit.one(q)
		if err := r.certs.visit(ctx, p.scheme.rule(), at); err != nil {
			return Result{}, err
		}
	}
	return result, nil
}

// proof is the scheme and the key that proved a request.
type proof struct {
	scheme *scheme
	key    []byte
}

// proofOf returns the proof of a challenge. A challenge that is not signed is
// answered with the first key, if the answer needs a key.
func (r *Receiver) proofOf(ctx context.Context, c *challenge, q *request) (proof, error) {
	if c.Signed {
		p, err := r.authenticate(ctx, q, true)
		if err != nil && !errors.Is(err, ErrUnavailable) {
			err = &refused{err, c.Refuse}
		}
		return p, err
	}
	if !c.hasMACs() {
		return proof{}, nil
	}
	if !c.asksForTokens(q) {
		return proof{}, fmt.Errorf("%w: the challenge asks for a signature over more than a token", ErrMalformed)
	}
	for i := range r.provider.auth {
		if s := &r.provider.auth[i]; s.macs() && len(s.keys) > 0 {
			return proof{s, s.keys[0].bits()}, nil
		}
	}
	return proof{}, ErrNoMatch
}

// asksForTokens reports whether the answer signs only tokens, which cannot be
// the body of a webhook. Anybody can send an unsigned challenge.
func (c *challenge) asksForTokens(q *request) bool {
	all := c.reply.macs()
	for _, t := range c.headers {
		all = append(all, t.macs()...)
	}
	return !slices.ContainsFunc(all, func(s source) bool {
		return slices.ContainsFunc(s.values(q), func(value string) bool { return !isToken(value) })
	})
}

// isToken reports whether the text consists of letters, digits and -._~+/=
// only. No JSON, XML or form with a value does.
func isToken(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("-._~+/=", r)
	})
}

// minKept is the least length of a secret that a stranger brings.
const minKept = 16

// kept returns the secret that the challenge brings to a provider without keys.
// A provider with keys accepts one of its own secrets again, and refuses any
// other.
func (p *provider) kept(c *challenge, q *request) (func() string, error) {
	if len(c.keep) == 0 {
		return nil, nil
	}
	text, ok := c.keep.one(q)
	if !ok || len(text) < minKept {
		return nil, fmt.Errorf("%w: the secret is too short", ErrMalformed)
	}
	brought := Keyed("", text)
	if why := p.unusable(brought); why != "" {
		return nil, fmt.Errorf("%w: the secret %s", ErrMalformed, why)
	}
	if !p.proving() {
		return func() string { return text }, nil
	}
	for i := range p.auth {
		s := &p.auth[i]
		if bits, err := keyOf(s.Scheme, brought); err == nil && s.proves(false) && s.holds(bits) {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("%w: there is another secret already", ErrNoMatch)
}

// holds reports in constant time whether a key is one of the scheme's keys.
func (s *scheme) holds(bits []byte) bool {
	return slices.ContainsFunc(s.keys, func(k key) bool { return try{key: k.bits(), signatures: [][]byte{bits}}.equal() })
}

// authenticate returns the proof if any scheme holds. Otherwise the error says
// why the first scheme that the request uses does not hold, or that the request
// uses none.
func (r *Receiver) authenticate(ctx context.Context, q *request, challenge bool) (proof, error) {
	var why error
	for i := range r.provider.auth {
		s := &r.provider.auth[i]
		if !s.proves(challenge) {
			continue
		}
		key, err := s.check(ctx, q, r.certs)
		if err == nil {
			return proof{s, key}, nil
		}
		if why == nil || errors.Is(why, ErrMissing) {
			why = err
		}
	}
	return proof{}, why
}

func (p *provider) result(q *request, held *scheme) Result {
	types, ids := each(p.event.values(q), cut), each(p.id.values(q), digest)
	event := func() Event { return p.newEvent(q, held, types, ids) }
	return Result{Answer: p.Answer, Types: types, IDs: ids, event: event}
}

// each shortens the values that are too long to be kept.
func each(values []string, shorten func(string) string) []string {
	if !slices.ContainsFunc(values, tooLong) {
		return values
	}
	short := slices.Clone(values)
	for i, value := range values {
		if tooLong(value) {
			short[i] = shorten(value)
		}
	}
	return short
}

func tooLong(value string) bool { return len(value) > maxValue }

// cut shortens a value and does not split a character of a text.
func cut(value string) string {
	short := value[:maxValue]
	if utf8.ValidString(value) {
		short = strings.ToValidUTF8(short, "")
	}
	return short
}

func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}
