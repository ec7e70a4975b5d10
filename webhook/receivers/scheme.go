package receivers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// These constants bound the signatures of a stranger. The longest is an RSA
// signature of 4,096 bits in base64.
const (
	maxSignatures  = 32
	maxSignature   = 1 << 10
	defaultWindow  = 5 * time.Minute
	certificateKey = "cert"
)

// scheme is a compiled Scheme with its keys.
type scheme struct {
	Scheme
	verify    func(try) bool
	decode    func(string) ([]byte, error)
	sig       source
	signed    template
	keys      []key
	keyID     source
	time      source
	clock     func(string) (time.Time, error)
	tolerance time.Duration
	when      source
	bodyHash  source
	certURL   source
	document  bool // the signature covers the document in a form, and no more of the body
}

// check returns the key of the credential by which the scheme holds for the
// request. With AnyPort it also tries the URL with its default port added, or
// with its port removed.
func (s *scheme) check(ctx context.Context, q *request, certs *Certificates) ([]byte, error) {
	key, err := s.checkAsIs(ctx, q, certs)
	if !s.AnyPort || !errors.Is(err, ErrNoMatch) {
		return key, err
	}
	configured := q.URL
	defer func() { q.URL = configured }()
	q.URL = otherPort(configured)
	return s.checkAsIs(ctx, q, certs)
}

func (s *scheme) checkAsIs(ctx context.Context, q *request, certs *Certificates) ([]byte, error) {
	signatures, err := s.signatures(q)
	if err != nil {
		return nil, err
	}
	if err := s.conditions(q); err != nil {
		return nil, err
	}
	t := try{signatures: signatures}
	if t.signed, err = s.signed.fill(q); err != nil {
		return nil, err
	}
	if s.Key == certificateKey {
		if t.key, err = s.certificate(ctx, q, certs); err != nil {
			return nil, err
		}
	}
	return s.match(q, t)
}

// match tries the keys with the id that the request names, or all keys.
func (s *scheme) match(q *request, t try) ([]byte, error) {
	id, named := "", len(s.keyID) > 0
	if named {
		id, _ = s.keyID.one(q)
	}
	for _, k := range s.keys {
		if named && (id == "" || k.id != id) {
			continue
		}
		t.cred = k.bits()
		if s.Key != certificateKey {
			t.key = t.cred
		}
		if s.verify(t) {
			return t.cred, nil
		}
	}
	return nil, ErrNoMatch
}

// proves reports whether the scheme proves challenges, or else webhooks.
func (s *scheme) proves(challenge bool) bool {
	if challenge {
		return s.For != forWebhook
	}
	return s.For != forChallenge
}

// signatures returns the signatures that are written as the scheme says,
// decoded. Others are skipped: a newer scheme may look different, and a known
// signature may stand beside it.
func (s *scheme) signatures(q *request) ([][]byte, error) {
	values := s.sig.values(q)
	if len(values) == 0 {
		return nil, q.missing(string(s.Sig))
	}
	if s.Alg == "equal" && len(values) > 1 {
		return nil, fmt.Errorf("%w: %s is there %d times", ErrMissing, s.Sig, len(values))
	}
	found := q.signatures[:0]
	for _, value := range values {
		for rest, more := value, true; more && len(found) < maxSignatures; {
			var text string
			text, rest, more = s.cut(rest)
			if bits := s.read(text); len(bits) > 0 {
				found = append(found, bits)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %s holds no signature", ErrMissing, s.Sig)
	}
	return found, nil
}

// cut returns the first of several signatures in one value, and whether there
// are more.
func (s *scheme) cut(value string) (first, rest string, more bool) {
	if s.Split == "" {
		return value, "", false
	}
	return strings.Cut(value, s.Split)
}

// read decodes a signature; nil for a text that is no signature of the scheme.
func (s *scheme) read(text string) []byte {
	if s.Split != "" {
		text = strings.TrimSpace(text)
	}
	encoded, ok := s.cutPrefix(text)
	if !ok || len(encoded) > maxSignature {
		return nil
	}
	bits, err := s.decode(encoded)
	switch {
	case err != nil:
		return nil
	case s.Key == "org":
		return organization(string(bits))
	}
	return bits
}

// cutPrefix cuts off the prefix: the name of an authentication scheme in upper
// or lower case, with the blanks after it (RFC 9110 sections 11.1 and 11.4).
func (s *scheme) cutPrefix(text string) (string, bool) {
	if !strings.HasSuffix(s.Prefix, " ") {
		return strings.CutPrefix(text, s.Prefix)
	}
	if !hasFoldedPrefix(text, s.Prefix) {
		return "", false
	}
	return strings.TrimLeft(text[len(s.Prefix):], " "), true
}

// conditions checks the scheme's conditions besides the signature.
func (s *scheme) conditions(q *request) error {
	if len(s.when) > 0 {
		if value, _ := s.when.one(q); value != s.Is {
			return fmt.Errorf("%w: %s is not %s", ErrMissing, s.If, s.Is)
		}
	}
	if len(s.bodyHash) > 0 {
		sum := sha256.Sum256(q.Body)
		if want, _ := s.bodyHash.one(q); want != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("%w: %s is not the body's hash", ErrNoMatch, s.BodyHash)
		}
	}
	return s.fresh(q)
}

func (s *scheme) fresh(q *request) error {
	if len(s.time) == 0 {
		return nil
	}
	text, ok := s.time.one(q)
	if !ok {
		return q.missing(string(s.Time))
	}
	at, err := s.clock(text)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrBadTime, s.Time)
	}
	switch age := q.Now.Sub(at); {
	case age > s.tolerance:
		return fmt.Errorf("%w: more than %v ago", ErrTooOld, s.tolerance)
	case age < -s.tolerance:
		return fmt.Errorf("%w: more than %v ahead", ErrTooNew, s.tolerance)
	}
	return nil
}

func (s *scheme) certificate(ctx context.Context, q *request, certs *Certificates) ([]byte, error) {
	url, ok := s.certURL.one(q)
	if !ok {
		return nil, q.missing(string(s.CertURL))
	}
	return certs.publicKey(ctx, s.rule(), url, q.Now)
}

func (s *scheme) rule() certificateRule {
	return certificateRule{hosts: s.CertHosts, path: s.CertPath, name: s.CertName}
}

var authority = regexp.MustCompile(`^(https?)(://(?:\[[^\]/?#]*\]|[^\[/?#:]*))(:[0-9]*)?`)

// otherPort removes the port from a URL, or adds the default port where there
// is none. Everything else stays byte for byte.
func otherPort(url string) string {
	parts := authority.FindStringSubmatch(url)
	switch {
	case parts == nil:
		return url
	case parts[3] != "":
		return parts[1] + parts[2] + url[len(parts[0]):]
	case parts[1] == "https":
		return parts[0] + ":443" + url[len(parts[0]):]
	}
	return parts[0] + ":80" + url[len(parts[0]):]
}

// coversDocument reports whether the signature covers the JSON in a form. Then
// the field with the JSON is always there.
func (s *scheme) coversDocument(wrap string) bool {
	return wrap != "" && slices.ContainsFunc(s.signed, func(part segment) bool {
		return len(part.source) == 1 && part.source[0].kind == "form" && part.source[0].name == wrap
	})
}

// coversBody reports whether a changed body breaks the signature. A signature
// over a single field of a form does not cover the body.
func (s *scheme) coversBody() bool {
	return len(s.bodyHash) > 0 || s.signed.reads("body", "crc32", "sha256", "sns") ||
		slices.ContainsFunc(s.signed, func(part segment) bool {
			return slices.ContainsFunc(part.source, func(t term) bool { return t.kind == "form" && t.name == "" })
		})
}

// coversTime reports whether a changed time breaks the signature.
func (s *scheme) coversTime() bool {
	return strings.Contains(s.Signed, "{"+string(s.Time)+"}") || s.signed.reads("sns") && s.Time == "json.Timestamp"
}

// covers reports whether a changed value breaks the signature. A checksum does
// not prevent changes, and a credential of Alg equal covers nothing.
func (s Scheme) covers(t term) bool {
	if s.Signed == "" {
		s.Signed = "{body}"
	}
	signed, err := parseTemplate(s.Signed)
	switch {
	case err != nil || s.Alg == "equal":
		return false
	case signed.has(t), t.kind == "=":
		return true
	case signed.reads("sns"):
		return t.kind == "json" && len(t.path) == 1 && t.path[0] == "MessageId"
	case t.kind == "json", t.kind == "xml", t.kind == "form":
		return s.BodyHash != "" || signed.reads("body", "sha256", "form") // "form" of one field covers the document in it
	case t.kind == "sha256":
		return s.BodyHash != "" || signed.reads("body", "sha256")
	}
	return false
}
