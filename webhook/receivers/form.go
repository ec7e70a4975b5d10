package receivers

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
)

// maxFields bounds the fields of a form or a query. No provider sends nearly as
// many.
const maxFields = 1000

// form holds the fields of a body. Their texts are in UTF-8, unless the request
// is spoilt.
type form struct {
	fields url.Values
	files  map[string][]file // without their content
	parts  bool              // it came as multipart/form-data
}

// file describes a file in a form, without its content.
type file struct {
	Filename    string `json:"filename"`
	ContentType string `json:"content_type,omitempty"`
	Size        int64  `json:"size"`
}

// json returns the form as an object: a text for each field, an object for
// each file.
func (f *form) json() json.RawMessage {
	members := map[string][]any{}
	for name, values := range f.fields {
		for _, value := range values {
			members[name] = append(members[name], value)
		}
	}
	for name, files := range f.files {
		for _, file := range files {
			members[name] = append(members[name], file)
		}
	}
	return marshal(oneOrAll(members))
}

// flatten writes every field as its name and its value, sorted by both; the
// same pair twice is written once (as Twilio's own libraries do).
func flatten(fields url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(fields[name]))) {
			pairs = append(pairs, name, value)
		}
	}
	return strings.Join(pairs, "")
}

// parseForm returns nil for a body that is not a form, or that cannot be read.
func (q *request) parseForm() *form {
	switch q.mediaType().name {
	case "application/x-www-form-urlencoded":
		return q.parseURLEncoded()
	case "multipart/form-data":
		return q.parseParts()
	}
	return nil
}

// parseURLEncoded decodes the percent signs and then converts the texts to
// UTF-8: the charset describes the decoded bytes.
func (q *request) parseURLEncoded() *form {
	content, charset := q.content.get(q.unpackBody), q.mediaType().charset()
	if _, marked := cutMark(content); marked != "" || strings.HasPrefix(charset, "utf-16") {
		content, charset = q.text.get(q.decodeText), ""
	}
	fields := q.parseFields(string(content))
	if fields == nil {
		return nil
	}
	if q.mislabelled() {
		return &form{fields: fields}
	}
	if charset == "" && len(fields["_charset_"]) == 1 { // HTML, section 4.10.21.8
		charset = fields.Get("_charset_")
	}
	converted := url.Values{}
	for name, values := range fields {
		name = q.toUTF8(name, charset)
		for _, value := range values {
			converted[name] = append(converted[name], q.toUTF8(value, charset))
		}
	}
	return &form{fields: converted}
}

// toUTF8 converts a text. It returns a text that cannot be converted unchanged
// and marks the request as spoilt.
func (q *request) toUTF8(text, charset string) string {
	converted, err := convert([]byte(text), charset)
	if err != nil {
		q.spoil(err)
		return text
	}
	return string(converted)
}

// mislabelled reports whether a body that is labelled as a form is JSON: curl
// and others send that label by default. Read as a form, the JSON would lose
// every + and %. A real form is never taken for JSON, because it escapes
// brackets and quotes.
func (q *request) mislabelled() bool {
	content := bytes.TrimLeft(q.content.get(q.unpackBody), spaces+"\xef\xbb\xbf")
	if len(content) == 0 || content[0] != '{' && content[0] != '[' {
		return false
	}
	return q.mediaType().name == "application/x-www-form-urlencoded" && json.Valid(content)
}

func (q *request) parseQuery() url.Values {
	_, query, _ := strings.Cut(q.URL, "?")
	query, _, _ = strings.Cut(query, "#")
	return q.parseFields(query)
}

// parseFields reads URL-encoded fields; nil for a text that is not URL-encoded.
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

// parseParts reads multipart/form-data (RFC 7578).
func (q *request) parseParts() *form {
	parts := multipart.NewReader(bytes.NewReader(q.content.get(q.unpackBody)), q.mediaType().params["boundary"])
	f := &form{fields: url.Values{}, files: map[string][]file{}, parts: true}
	for range maxFields {
		part, err := parts.NextPart()
		if err == io.EOF { // wrapped, it is a body that ends too soon
			return f
		}
		if err != nil || !q.takePart(f, part) {
			q.fail("the parts of the form cannot be read")
			return nil
		}
	}
	q.fail("%d parts or more", maxFields)
	return nil
}

// takePart adds a part to the form and reports whether it could be read. A part
// with a file name is a file, unless it is the document; so is a part that is
// not text and declares a type other than text.
func (q *request) takePart(f *form, part *multipart.Part) bool {
	_, disposition, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	content, readErr := io.ReadAll(part)
	if err != nil || readErr != nil {
		return false
	}
	kind := parseMediaType(part.Header.Get("Content-Type"))
	charset := kind.charset()
	if charset == "" {
		charset = f.fields.Get("_charset_") // RFC 7578, section 4.6
	}
	name := q.toUTF8(disposition["name"], charset)
	filename, named := disposition["filename"]
	text, err := toUTF8(content, charset)
	switch {
	case named && name != q.wrap, err != nil && !kind.textual():
		told := file{Filename: q.toUTF8(filename, charset), ContentType: q.toUTF8(kind.name, charset), Size: int64(len(content))}
		f.files[name] = append(f.files[name], told)
		return true
	case err != nil:
		q.spoil(err)
		text = content
	}
	f.fields[name] = append(f.fields[name], string(text))
	return true
}
