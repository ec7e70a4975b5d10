package receivers

import (
	"crypto/hmac"
	"fmt"
	"io"
	"slices"
	"strings"
)

// template is text with sources in it.
type template []segment

type segment struct {
	text   string
	source source
	cred   bool
	mac    string // a name in hmacs: the HMAC of the source with the key; "" is the source itself
	encode string
}

// errPlace is the error for text between braces that is no source and no HMAC.
var errPlace = fmt.Errorf("%w: between braces stands a source, such as {json.a.b}, or an HMAC of one, {hmac-sha256.hex:json.a.b}; "+
	"a brace that is text is written twice, {{ or }}", ErrBadProvider)

// parseTemplate reads text with {source} in it; {{ and }} are braces.
func parseTemplate(text string) (template, error) {
	var t template
	for {
		at := strings.IndexAny(text, "{}")
		if at < 0 {
			return t.with(text), nil
		}
		t, text = t.with(text[:at]), text[at:]
		if strings.HasPrefix(text, "{{") || strings.HasPrefix(text, "}}") {
			t, text = t.with(text[:1]), text[2:]
			continue
		}
		inside, rest, ok := strings.Cut(text[1:], "}")
		if text[0] == '}' || !ok || strings.Contains(inside, "{") {
			return nil, errPlace
		}
		s, err := parseSegment(inside)
		if err != nil {
			return nil, err
		}
		t, text = append(t, s), rest
	}
}

func (t template) with(text string) template {
	if text == "" {
		return t
	}
	return append(t, segment{text: text})
}

func parseSegment(inside string) (segment, error) {
	if inside == "cred" {
		return segment{cred: true}, nil
	}
	made := segment{}
	if method, of, ok := strings.Cut(inside, ":"); ok && strings.HasPrefix(method, "hmac-") {
		made.mac, made.encode, _ = strings.Cut(method, ".")
		inside = of
		if hmacs[made.mac] == nil || encoders[made.encode] == nil {
			return segment{}, errPlace
		}
	}
	var err error
	if made.source, err = Source(inside).parse(); err != nil || len(made.source) == 0 {
		return segment{}, errPlace
	}
	return made, nil
}

// fill returns the template with its sources looked up, except the credential,
// which differs from try to try. The result is valid until the next fill.
func (t template) fill(q *request) (filled, error) {
	f := filled(q.pieces[:0])
	for i := range t {
		p := piece{text: t[i].text, cred: t[i].cred}
		switch s := t[i].source; {
		case len(s) == 0:
		case s[0].kind == "body": // not made into a string: it may be large
			p.bytes = q.Body
		default:
			var ok bool
			if p.text, ok = s.one(q); !ok {
				return nil, q.missing(fmt.Sprintf("part %d of what is signed", i+1))
			}
		}
		f = append(f, p)
	}
	return f, nil
}

type filled []piece

type piece struct {
	text  string
	bytes []byte
	cred  bool
}

// write writes the filled template with the credential. It ignores errors of w:
// a hash or a buffer has none.
func (f filled) write(w io.Writer, cred []byte) {
	for _, p := range f {
		switch {
		case p.cred:
			_, _ = w.Write(cred)
		case p.bytes != nil:
			_, _ = w.Write(p.bytes)
		case p.text != "":
			_, _ = io.WriteString(w, p.text)
		}
	}
}

// render returns the template as part of an answer, at most 1 KiB. The key is
// nil if the answer needs none.
func (t template) render(q *request, key []byte, escape func(string) string) (string, error) {
	var text strings.Builder
	for i := range t {
		value := t[i].text
		if len(t[i].source) > 0 {
			found, ok := t[i].source.one(q)
			if !ok {
				return "", q.missing(fmt.Sprintf("part %d of the answer", i+1))
			}
			if t[i].mac != "" {
				found = t[i].hmac(key, found)
			}
			value = escape(found)
		}
		if text.WriteString(value); text.Len() > maxValue {
			return "", fmt.Errorf("%w: the challenge is too long", ErrMalformed)
		}
	}
	return text.String(), nil
}

func (s segment) hmac(key []byte, text string) string {
	mac := hmac.New(hmacs[s.mac], key)
	_, _ = io.WriteString(mac, text)
	return encoders[s.encode](mac.Sum(nil))
}

// macs returns the sources of all HMACs in the template.
func (t template) macs() []source {
	var found []source
	for _, s := range t {
		if s.mac != "" {
			found = append(found, s.source)
		}
	}
	return found
}

// has reports whether the template has the source by itself, without an HMAC or
// an alternative.
func (t template) has(term term) bool {
	return slices.ContainsFunc(t, func(s segment) bool {
		return s.mac == "" && len(s.source) == 1 && s.source[0].equals(term)
	})
}

// reads reports whether the template has a source of one of the kinds.
func (t template) reads(kinds ...string) bool {
	for _, s := range t {
		if s.source.reads(kinds...) {
			return true
		}
	}
	return false
}

// readsAny reports whether the template has any source.
func (t template) readsAny() bool {
	return slices.ContainsFunc(t, func(s segment) bool { return len(s.source) > 0 })
}
