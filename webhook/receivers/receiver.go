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

// DefaultMaxBody is how many bytes of a body [Receiver.Handler] takes when it
// is not told: 1 MiB. GitHub sends up to 25 MB, most others far less than one.
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

// WithPublicURL sets what stands before the path in the URL that the provider
// calls, such as https://hooks.example.com, for [Receiver.Handler]. Providers
// that sign the URL (Mandrill, Trello and Twilio) need it: what a request
// itself says of its host proves nothing, and behind a proxy it is not right.
func WithPublicURL(base string) Option {
	return func(r *Receiver) { r.publicURL = strings.TrimRight(base, "/") }
}

// WithMaxBody sets the longest body that [Receiver.Handler] takes, and the
// longest that a compressed one may become, in bytes. Zero or less means
// [DefaultMaxBody].
func WithMaxBody(bytes int64) Option { return func(r *Receiver) { r.maxBody = bytes } }

// WithCertificates sets how the certificates of PayPal are fetched and kept.
// Without it, all receivers share [NewCertificates] of a plain client.
func WithCertificates(c *Certificates) Option { return func(r *Receiver) { r.certs = c } }

// WithLogger sets where [Receiver.Handler] writes why it refused a request or
// did not handle it. Without it, nowhere.
func WithLogger(log *slog.Logger) Option { return func(r *Receiver) { r.log = log } }

// New makes a receiver for requests that any of the credentials fits. It gives
// [ErrUnknownProvider] for a provider without schemes, [ErrBadProvider] for a
// row that does not work, and [ErrBadCredential] for no credentials, or one
// that is empty or that no scheme of the provider can use.
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

// Result is what a request that may be believed says.
type Result struct {
	// Challenge tells that the provider only asked whether the endpoint is
	// there: send Answer, there is no event.
	Challenge bool

	// Answer is what to send, with status 200, once the event is safe.
	Answer Answer

	// Types are those of the events in the request, in their order: usually
	// one, none where the provider does not tell, several with Pusher and
	// ASP.NET WebHooks.
	Types []string

	// IDs are what a repetition can be recognised by, all that the request
	// has: usually one, none where the provider sends none, one a notification
	// with Salesforce. An id that is longer than 1 KiB is its SHA-256 in hex;
	// a type is cut there.
	IDs []string

	event func() Event // a function, because fmt reaches unexported fields
}

// Verify tells whether the request comes from the provider, and what it says.
// The errors are those of this package that [Status] knows; with an error the
// result is empty. What the signature covers is always the body as it came;
// only then is it decompressed and converted to UTF-8, and refused where that
// would lose some of it. [Result.Event] does the rest.
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
	held, err := r.authenticate(ctx, q)
	if err != nil {
		return Result{}, err
	}
	if err := q.readable(); err != nil {
		return Result{}, err
	}
	return r.provider.result(q, held), nil
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
	if c.Signed {
		if _, err := r.authenticate(ctx, q); err != nil {
			return Result{}, err
		}
	}
	reply, err := c.reply.fill(q)
	if err != nil {
		return Result{}, err
	}
	switch {
	case q.spoilt != nil && c.Signed:
		return Result{}, q.spoilt
	case q.spoilt != nil:
		return Result{}, fmt.Errorf("%w: the challenge cannot be read", ErrMalformed)
	}
	text := reply.String()
	if len(text) > maxValue {
		return Result{}, fmt.Errorf("%w: the challenge is too long", ErrMalformed)
	}
	return Result{Challenge: true, Answer: plain(text)}, nil
}

// authenticate gives the first scheme that holds, otherwise why the first that
// the request tries does not, or that it tries none.
func (r *Receiver) authenticate(ctx context.Context, q *request) (*scheme, error) {
	var why error
	for i := range r.provider.auth {
		err := r.provider.auth[i].check(ctx, q, r.certs)
		if err == nil {
			return &r.provider.auth[i], nil
		}
		if why == nil || errors.Is(why, ErrMissing) {
			why = err
		}
	}
	return nil, why
}

func (p *provider) result(q *request, held *scheme) Result {
	types, ids := each(p.event.values(q), cut), each(p.id.values(q), digest)
	event := func() Event { return p.newEvent(q, held, types, ids) }
	return Result{Answer: p.Answer, Types: types, IDs: ids, event: event}
}

// each changes the values that are too long to be kept.
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

// cut takes whole characters of what is text.
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
