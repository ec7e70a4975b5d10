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
//	json.a.*.b        what stands there in the document; * goes over an array
//	xml.A.B           the text of element B in A in the root
//	xml.A.B@c         its attribute c, without the namespace prefix of the value
//	body              the body as it came
//	url               the public URL, as the provider was given it
//	method            the HTTP method
//	sns               the lines that Amazon SNS signs, but for the last four,
//	                  which are the topic's and the type's
//	crc32             CRC-32 of the body (IEEE), in decimal
//	sha256            SHA-256 of the body, in hex
//	=text             text, always
//	s|t               s, or t where s is absent
//
// The document is the body or, of a form, the field that [Provider.Wrap]
// names. Strings, numbers and booleans of it count; null, objects and arrays
// are absent. So is whatever is empty. At most 1,000 values are looked at.
//
// body, crc32 and sha256 are of the bytes as they came. The others read the
// body decompressed and in UTF-8; a form may be URL-encoded or
// multipart/form-data, of which files do not count.
type Source string

// What is read of a stranger's request. A path has as many steps as there are
// levels in anything that a person would name.
const (
	maxValues = 1000
	maxValue  = 1 << 10
	maxSteps  = 16
)

// source is a Source that is understood: its alternatives, in order.
type source []term

type term struct {
	kind string
	name string   // of a header, a field or an attribute; the text of =text
	key  string   // behind the colon of a header
	path []string // of json and xml
}

// whole are the kinds that are a word of their own.
var whole = []string{"form", "body", "url", "method", "crc32", "sha256", "sns"}

// parse gives no alternatives for "".
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

// values gives the first alternative that is there.
func (s source) values(q *request) []string {
	for i := range s {
		if found := q.values(&s[i]); len(found) > 0 {
			return found
		}
	}
	return nil
}

// one gives the value where there is exactly one.
func (s source) one(q *request) (string, bool) {
	found := s.values(q)
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// reads tells whether any alternative is of one of the kinds.
func (s source) reads(kinds ...string) bool {
	return slices.ContainsFunc(s, func(t term) bool { return slices.Contains(kinds, t.kind) })
}

func (t term) equals(other term) bool {
	return t.kind == other.kind && t.name == other.name && t.key == other.key && slices.Equal(t.path, other.path)
}
