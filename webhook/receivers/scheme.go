package receivers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What is looked at of a stranger's signatures. The longest is an RSA one of
// 4,096 bits in base64.
const (
	maxSignatures  = 32
	maxSignature   = 1 << 10
	defaultWindow  = 5 * time.Minute
	certificateKey = "cert"
)

// scheme is a Scheme that is understood, with the keys for it.
type scheme struct {
	Scheme
	verify    func(try) bool
	decode    func(string) ([]byte, error)
	sig       source
	signed    template
	keys      []key
	keyID     source
	time      source
	tolerance time.Duration
	when      source
	bodyHash  source
	certURL   source
	document  bool // the signature covers the document in a form, and no more of the body
}

// check gives nil where the scheme holds for the request, or would if its URL
// had been written with another port that means the same to AnyPort.
func (s *scheme) check(ctx context.Context, q *request, certs *Certificates) error {
	err := s.holds(ctx, q, certs)
	if !s.AnyPort || !errors.Is(err, ErrNoMatch) {
		return err
	}
	configured := q.URL
	defer func() { q.URL = configured }()
	q.URL = otherPort(configured)
	return s.holds(ctx, q, certs)
}

// holds gives nil where the scheme holds for the request.
func (s *scheme) holds(ctx context.Context, q *request, certs *Certificates) error {
	signatures, err := s.signatures(q)
	if err != nil {
		return err
	}
	if err := s.conditions(q); err != nil {
		return err
	}
	t := try{signatures: signatures}
	if t.signed, err = s.signed.fill(q); err != nil {
		return err
	}
	if s.Key == certificateKey {
		if t.key, err = s.certificate(ctx, q, certs); err != nil {
			return err
		}
	}
	return s.match(q, t)
}

// match tries the keys that the request may mean.
func (s *scheme) match(q *request, t try) error {
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
			return nil
		}
	}
	return ErrNoMatch
}

// signatures gives the bytes of those that are written as the scheme says.
// Others are skipped: a newer scheme may look different, and a known signature
// may stand beside it.
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

// cut gives the first of several in one value, and whether there are more.
func (s *scheme) cut(value string) (first, rest string, more bool) {
	if s.Split == "" {
		return value, "", false
	}
	return strings.Cut(value, s.Split)
}

// read gives nothing for what is no signature of the scheme.
func (s *scheme) read(text string) []byte {
	encoded, ok := strings.CutPrefix(text, s.Prefix)
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

// conditions are what a scheme asks for besides the signature.
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
	at, err := s.parseTime(text)
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

// parseTime takes Unix seconds unless the scheme has a layout.
func (s *scheme) parseTime(text string) (time.Time, error) {
	if s.TimeAs != "" {
		return time.Parse(s.TimeAs, text)
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0), err
}

func (s *scheme) certificate(ctx context.Context, q *request, certs *Certificates) ([]byte, error) {
	url, ok := s.certURL.one(q)
	if !ok {
		return nil, q.missing(string(s.CertURL))
	}
	return certs.publicKey(ctx, certificateRule{hosts: s.CertHosts, name: s.CertName}, url, q.Now)
}

var authority = regexp.MustCompile(`^(https?)(://(?:\[[^\]/?#]*\]|[^\[/?#:]*))(:[0-9]*)?`)

// otherPort takes the port out of a URL, or puts in the default one where there
// is none. All else stays byte for byte.
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

// coversDocument tells whether the signature covers the JSON in a form, whose
// field is always there then.
func (s *scheme) coversDocument(wrap string) bool {
	return wrap != "" && slices.ContainsFunc(s.signed, func(part segment) bool {
		return len(part.source) == 1 && part.source[0].kind == "form" && part.source[0].name == wrap
	})
}

// coversBody tells whether a changed body breaks the signature. One over a
// single field of a form does not.
func (s *scheme) coversBody() bool {
	return len(s.bodyHash) > 0 || s.signed.reads("body", "crc32", "sha256") ||
		slices.ContainsFunc(s.signed, func(part segment) bool {
			return slices.ContainsFunc(part.source, func(t term) bool { return t.kind == "form" && t.name == "" })
		})
}
