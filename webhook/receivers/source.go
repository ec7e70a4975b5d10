package receivers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Source names a value of the request, or several:
//
//	header.N          every value of header N
//	header.N:k        the values of k in a header  k=v,k=v  or  k=v;k=v
//	query.n           the values of n in the URL's query
//	form.n            the values of field n in a form body
//	form              all fields, sorted, each as its name and its value, of a
//	                  URL-encoded form
//	json.a.*.b        the values at that path in the document; * is every
//	                  element of an array
//	xml.A.B           the text of element B in A in the root
//	xml.A.B@c         its attribute c, without the namespace prefix of the value
//	body              the body as it came
//	url               the public URL, as the provider was given it
//	method            the HTTP method
//	sns               the lines that Amazon SNS signs, except the last four,
//	                  which are the topic's and the type's
//	crc32             CRC-32 of the body (IEEE), in decimal
//	sha256            SHA-256 of the body, in hex
//	=text             text, always
//	s|t               s, or t where s is absent
//
// The document is the body or, of a form, the field that [Provider.Wrap]
// names. Its strings, numbers and booleans are values; null, objects and arrays
// count as absent, and so does an empty value. At most 1,000 values are read.
//
// body, crc32 and sha256 read the bytes as they came. The others read the body
// decompressed and in UTF-8; a form may be URL-encoded or multipart/form-data,
// whose files are ignored.
type Source string

// These constants bound the values that are read of a stranger's request. No
// path that a person writes has as many steps.
const (
	maxValues = 1000
	maxValue  = 1 << 10
	maxSteps  = 16
)

// source is a parsed Source: its alternatives, in order.
type source []term

type term struct {
	kind string
	name string   // of a header, a field or an attribute; the text of =text
	key  string   // behind the colon of a header
	path []string // of json and xml
}

// whole lists the kinds of source that have no name after a dot.
var whole = []string{"form", "body", "url", "method", "crc32", "sha256", "sns"}

// parse reads the alternatives of a source; "" has none.
func (s Source) parse() (source, error) {
	if s == "" {
		return nil, nil
	}
	var alternatives source
	for text := range strings.SplitSeq(string(s), "|") {
		t, err := parseTerm(text)
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", s, err)
		}
		alternatives = append(alternatives, t)
	}
	return alternatives, nil
}

func parseTerm(text string) (term, error) {
	if constant, ok := strings.CutPrefix(text, "="); ok {
		return term{kind: "=", name: constant}, nil
	}
	kind, name, _ := strings.Cut(text, ".")
	switch {
	case slices.Contains(whole, text):
		return term{kind: text}, nil
	case name == "":
		return term{}, errSource
	case kind == "header":
		header, key, _ := strings.Cut(name, ":")
		return term{kind: kind, name: http.CanonicalHeaderKey(header), key: key}, nil
	case kind == "query", kind == "form":
		return term{kind: kind, name: name}, nil
	case kind == "json", kind == "xml":
		return parsePath(kind, name)
	}
	return term{}, errSource
}

var errSource = fmt.Errorf("%w: not a source", ErrBadProvider)

func parsePath(kind, text string) (term, error) {
	t := term{kind: kind}
	if kind == "xml" {
		text, t.name, _ = strings.Cut(text, "@")
	}
	t.path = strings.Split(text, ".")
	if len(t.path) > maxSteps || slices.Contains(t.path, "") {
		return term{}, errSource
	}
	return t, nil
}

// values returns the values of the first alternative that is there.
func (s source) values(q *request) []string {
	for i := range s {
		if found := q.values(&s[i]); len(found) > 0 {
			return found
		}
	}
	return nil
}

// one returns the value if there is exactly one.
func (s source) one(q *request) (string, bool) {
	found := s.values(q)
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// reads reports whether any alternative is of one of the kinds.
func (s source) reads(kinds ...string) bool {
	return slices.ContainsFunc(s, func(t term) bool { return slices.Contains(kinds, t.kind) })
}

func (t term) equals(other term) bool {
	return t.kind == other.kind && t.name == other.name && t.key == other.key && slices.Equal(t.path, other.path)
}
