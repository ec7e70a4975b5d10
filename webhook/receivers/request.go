package receivers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
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

// maxFields bounds a form or a query: far more than any provider sends.
const maxFields = 1000

// request remembers what was read of one, and is used by one goroutine.
type request struct {
	Request
	wrap      string // of the provider
	form      lazy[url.Values]
	query     lazy[url.Values]
	document  lazy[[]byte]
	root      lazy[*node]
	malformed error // the first that was found

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

func newRequest(req Request, wrap string) *request {
	if req.Now.IsZero() {
		req.Now = time.Now()
	}
	return &request{Request: req, wrap: wrap}
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
		return present(q.query.get(q.parseQuery)[t.name])
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
		return present([]string{q.URL})
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
	var found []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ",") {
			if key, value, ok := strings.Cut(pair, "="); ok && key == t.key && len(found) < maxValues {
				found = append(found, value)
			}
		}
	}
	return nonEmpty(found)
}

// fields gives those of one name, or all as one text. A body that is not a
// form, and not empty either, has no such text: a signature over it would
// cover nothing of the body.
func (q *request) fields(name string) []string {
	form := q.form.get(q.parseForm)
	switch {
	case name != "":
		return present(form[name])
	case form == nil && len(q.Body) > 0:
		return nil
	}
	return []string{flatten(form)}
}

// flatten writes every field as its name and its value, in the order of both;
// what is there twice, once (as Twilio's own libraries do).
func flatten(form url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			pairs = append(pairs, name, value)
		}
	}
	return strings.Join(pairs, "")
}

func (q *request) parseForm() url.Values {
	kind, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return nil
	}
	return q.parseFields(string(q.Body))
}

func (q *request) parseQuery() url.Values {
	_, query, _ := strings.Cut(q.URL, "?")
	query, _, _ = strings.Cut(query, "#")
	return q.parseFields(query)
}

func (q *request) parseFields(text string) url.Values {
	if strings.Count(text, "&") >= maxFields {
		q.fail("more than %d fields", maxFields)
		return nil
	}
	fields, err := url.ParseQuery(text)
	if err != nil {
		q.fail("a field is not URL-encoded")
		return nil
	}
	return fields
}

// findDocument gives what json.… walks through; nobody has checked that it is
// JSON.
func (q *request) findDocument() []byte {
	form := q.form.get(q.parseForm)
	switch {
	case form == nil:
		return q.Body
	case q.wrap == "":
		return nil
	}
	return []byte(form.Get(q.wrap))
}

func (q *request) parseRoot() *node {
	root, err := parseXML(q.Body)
	if err != nil {
		q.fail("%v", err)
	}
	return root
}

// fail must be given nothing of the request's own text.
func (q *request) fail(format string, args ...any) {
	if q.malformed == nil {
		q.malformed = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

// present leaves out what is empty or too long.
func present(values []string) []string {
	if !slices.ContainsFunc(values, absent) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), absent)
}

func absent(value string) bool { return value == "" || len(value) > maxValue }

// nonEmpty leaves out what is empty.
func nonEmpty(values []string) []string {
	if !slices.Contains(values, "") {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}
