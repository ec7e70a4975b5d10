package receivers

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// template is text with sources in it.
type template []segment

type segment struct {
	text   string
	source source
	cred   bool
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func parseTemplate(text string) (template, error) {
	var t template
	from := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		s, err := parseSegment(text[at[0]+1 : at[1]-1])
		if err != nil {
			return nil, err
		}
		t = append(t.with(text[from:at[0]]), s)
		from = at[1]
	}
	return t.with(text[from:]), nil
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
	s, err := Source(inside).parse()
	if err == nil && len(s) == 0 {
		err = errSource
	}
	return segment{source: s}, err
}

// fill gives the template with its sources looked up; all but the credential,
// which differs from try to try. It is good until the next one is filled.
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

// write never fails where w does not.
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

func (f filled) String() string {
	var text strings.Builder
	f.write(&text, nil)
	return text.String()
}

// reads tells whether the template has a source of one of the kinds.
func (t template) reads(kinds ...string) bool {
	for _, s := range t {
		if s.source.reads(kinds...) {
			return true
		}
	}
	return false
}
