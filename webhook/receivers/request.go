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

// Request is what came in, with the body read already.
type Request struct {
	// Method is the HTTP method.
	Method string

	// URL is the public one, byte for byte as it was given to the provider,
	// query included. It must come from configuration, never from what the
	// request says of its host: some providers sign it.
	URL string

	// Header is as received. It is not changed.
	Header http.Header

	// Body is the bytes as received. They are not changed or copied.
	Body []byte

	// Now is the present time. The zero value means time.Now.
	Now time.Time
}

// request remembers what was read of one, and is used by one goroutine.
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
	malformed error // the first that was found
	spoilt    error // why the body would not be handed on whole, the first that was found

	pieces     [6]piece  // room for what a scheme fills in
	signatures [2][]byte // and for what it reads: memory that is there already
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

// missing tells why something is not there: it could not be read, or else it
// is not there.
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

// whole gives the one value of those kinds that have one.
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

// headers bounds nothing: the server that read the headers did.
func (q *request) headers(t *term) []string {
	lines := q.Header[t.name]
	if t.key == "" {
		return nonEmpty(lines)
	}
	return nonEmpty(valuesOf(lines, t.key))
}

// fields gives those of one name, or all as one text. A body that is not a
// form, and not empty either, has no such text: a signature over it would
// cover nothing of the body. Nor has a form in parts, whose files it would not
// cover.
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

// findDocument gives what json.… walks through; nobody has checked that it is
// JSON.
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

// parseRoot takes no form for XML.
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

// decodeText gives what cannot be converted as it is: verifying may need it.
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

// readable tells why the body cannot be handed on without losing some of it.
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

// parseMediaType gives no parameters where they cannot be read.
func parseMediaType(text string) mediaType {
	if !strings.Contains(text, ";") { // as most are; this costs nothing
		return mediaType{name: strings.ToLower(strings.TrimSpace(text))}
	}
	name, params, _ := mime.ParseMediaType(text)
	return mediaType{name, params}
}

func (m mediaType) charset() string { return strings.ToLower(strings.TrimSpace(m.params["charset"])) }

// textual tells that the type is one of texts; none given is.
func (m mediaType) textual() bool {
	return m.name == "" || strings.HasPrefix(m.name, "text/") || strings.HasSuffix(m.name, "json") ||
		strings.HasSuffix(m.name, "xml") || m.name == "application/x-www-form-urlencoded"
}

// spoil remembers why the body cannot be handed on. It is not told before the
// request is known to be the provider's.
func (q *request) spoil(err error) {
	if q.spoilt == nil {
		q.spoilt = err
	}
}

// fail must be given nothing of the request's own text.
func (q *request) fail(format string, args ...any) {
	if q.malformed == nil {
		q.malformed = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

// nonEmpty leaves out what is empty.
func nonEmpty(values []string) []string {
	if !slices.Contains(values, "") {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}
