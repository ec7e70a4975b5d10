package receivers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is an HTTP request whose body has been read already.
type Request struct {
	// Method is the HTTP method.
	Method string

	// URL is the public URL, byte for byte as it was given to the provider,
	// query included. It must come from configuration, never from the request's
	// Host header: some providers sign it.
	URL string

	// Header is as received. It is not changed.
	Header http.Header

	// Body is the bytes as received. They are not changed or copied.
	Body []byte

	// Now is the present time. The zero value means time.Now.
	Now time.Time
}

// request is a Request with the values that were read of it. It is for one
// goroutine only.
type request struct {
	Request
	wrap      string // of the provider
	limit     int64  // of a body that is decompressed, in bytes
	media     lazy[mediaType]
	content   lazy[[]byte] // the body without its content codings
	text      lazy[[]byte] // the same in UTF-8, without a mark
	form      lazy[*form]
	query     lazy[url.Values]
	document  lazy[[]byte]
	root      lazy[*node]
	malformed error // the first fault that keeps a value from being read
	spoilt    error // the first reason why the body could not be handed on whole

	pieces     [6]piece  // memory for the signed text of a scheme, to save allocations
	signatures [2][]byte // likewise for the signatures
}

// lazy is a value that is made when it is first asked for.
type lazy[T any] struct {
	value T
	made  bool
}

func (l *lazy[T]) get(create func() T) T {
	if !l.made {
		l.value, l.made = create(), true
	}
	return l.value
}

func newRequest(req Request, wrap string, limit int64) *request {
	if req.Now.IsZero() {
		req.Now = time.Now()
	}
	return &request{Request: req, wrap: wrap, limit: limit}
}

// missing is the error for a value that is not there: the request is malformed,
// or else the value is absent.
func (q *request) missing(what string) error {
	if q.malformed != nil {
		return q.malformed
	}
	return fmt.Errorf("%w: %s", ErrMissing, what)
}

func (q *request) values(t *term) []string {
	switch t.kind {
	case "header":
		return q.headers(t)
	case "query":
		return nonEmpty(q.query.get(q.parseQuery)[t.name])
	case "form":
		return q.fields(t.name)
	case "json":
		return findJSON(q.document.get(q.findDocument), t.path)
	case "xml":
		return q.root.get(q.parseRoot).find(t.path, t.name)
	}
	return q.whole(t)
}

// whole returns the value of a kind that has exactly one.
func (q *request) whole(t *term) []string {
	switch t.kind {
	case "body":
		return nonEmpty([]string{string(q.Body)})
	case "url":
		return nonEmpty([]string{q.URL})
	case "method":
		return nonEmpty([]string{q.Method})
	case "sns":
		return q.snsLines()
	case "crc32":
		return []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(q.Body)), 10)}
	case "sha256":
		sum := sha256.Sum256(q.Body)
		return []string{hex.EncodeToString(sum[:])}
	}
	return []string{t.name}
}

// headers returns values of a header. It needs no bound: the server that read
// the headers has one.
func (q *request) headers(t *term) []string {
	lines := q.Header[t.name]
	if t.key == "" {
		return nonEmpty(lines)
	}
	return nonEmpty(valuesOf(lines, t.key))
}

// fields returns the values of the fields with one name or, for "", all fields
// as one text. A body that is neither a form nor empty has no such text: a
// signature over it would cover nothing of the body. Nor does a form in parts:
// the signature would not cover its files.
func (q *request) fields(name string) []string {
	f := q.form.get(q.parseForm)
	switch {
	case f == nil && (name != "" || len(q.Body) > 0):
		return nil
	case f == nil:
		return []string{""}
	case name != "":
		return nonEmpty(f.fields[name])
	case f.parts:
		return nil
	}
	return []string{flatten(f.fields)}
}

// findDocument returns the text that json.… searches. It may not be JSON.
func (q *request) findDocument() []byte {
	f := q.form.get(q.parseForm)
	switch {
	case f == nil, q.mislabelled():
		return q.text.get(q.decodeText)
	case q.wrap == "":
		return nil
	}
	return []byte(f.fields.Get(q.wrap))
}

// parseRoot parses the body as XML; nil for a form.
func (q *request) parseRoot() *node {
	if q.form.get(q.parseForm) != nil {
		return nil
	}
	root, err := parseXML(q.text.get(q.decodeText))
	if err != nil {
		q.fail("%v", err)
	}
	return root
}

func (q *request) unpackBody() []byte {
	content, err := unpack(q.Body, codingsOf(q.Header), q.limit)
	if err != nil {
		q.spoil(err)
	}
	return content
}

// decodeText converts the body to UTF-8. It returns a body that cannot be
// converted unchanged, because verifying may need it.
func (q *request) decodeText() []byte {
	content := q.content.get(q.unpackBody)
	charset := q.mediaType().charset()
	if charset == "" {
		charset = xmlCharset(content)
	}
	text, err := toUTF8(content, charset)
	if err != nil {
		q.spoil(err)
		return content
	}
	return text
}

// readable returns an error if some of the body would be lost when it is handed
// on.
func (q *request) readable() error {
	if q.form.get(q.parseForm) == nil || q.mislabelled() {
		q.text.get(q.decodeText)
	}
	return q.spoilt
}

// mediaType is the Content-Type of the body or of a part.
type mediaType struct {
	name   string // in lower case; "" for none
	params map[string]string
}

func (q *request) mediaType() mediaType {
	return q.media.get(func() mediaType { return parseMediaType(q.Header.Get("Content-Type")) })
}

// parseMediaType reads a Content-Type; without parameters if they are
// malformed.
func parseMediaType(text string) mediaType {
	if !strings.Contains(text, ";") { // the usual case, without an allocation
		return mediaType{name: strings.ToLower(strings.TrimSpace(text))}
	}
	name, params, _ := mime.ParseMediaType(text)
	return mediaType{name, params}
}

func (m mediaType) charset() string { return strings.ToLower(strings.TrimSpace(m.params["charset"])) }

// textual reports whether the type is a text; no type counts as text.
func (m mediaType) textual() bool {
	return m.name == "" || strings.HasPrefix(m.name, "text/") || strings.HasSuffix(m.name, "json") ||
		strings.HasSuffix(m.name, "xml") || m.name == "application/x-www-form-urlencoded"
}

// spoil remembers why the body cannot be handed on. The reason is reported only
// once the request is verified.
func (q *request) spoil(err error) {
	if q.spoilt == nil {
		q.spoilt = err
	}
}

// fail marks the request as malformed. The message must not contain text of the
// request.
func (q *request) fail(format string, args ...any) {
	if q.malformed == nil {
		q.malformed = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

// nonEmpty leaves out empty values.
func nonEmpty(values []string) []string {
	if !slices.Contains(values, "") {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}
