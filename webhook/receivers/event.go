package receivers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Event is a verified webhook as it may be handed on, stored and logged: the
// credentials by which somebody could forge another webhook, or call the
// provider, are redacted.
type Event struct {
	// Provider is the name in its row.
	Provider string

	// Type says what happened: the first type if there are several, "" where
	// the provider sends none. Types lists all of them.
	//
	// GitHub, Bitbucket, Shopify and others do not sign the types and ids that
	// come in headers: route by them, but do not authorize by them.
	Type  string
	Types []string

	// ID is the same when the same event comes again: handle it once. It is ""
	// where the provider sends nothing to recognise a repetition by. Where a
	// request has several IDs, ID stands for all of them together; handle each
	// of the IDs once as well.
	ID  string
	IDs []string

	// Object is the kind of thing that the event happened to; "" where the
	// provider does not say it.
	Object string

	// Payload is the body as JSON, always valid and in UTF-8, whatever content
	// coding and charset it came in: JSON as it was written, without a byte
	// order mark; a form as an object of strings, or arrays of strings for
	// fields that come twice, and instead of a file an object of its filename,
	// content_type and size; a form around JSON ([Provider.Wrap]) as that
	// JSON; XML as an object of the elements in the root; an empty body as
	// null; and any other text as a string.
	Payload json.RawMessage

	// Method, URL, Header and Body are copied from the request, with the
	// credentials redacted. The path of the URL is unchanged, even where the
	// path itself is the secret. Body is the bytes as received, or, where
	// something is taken out of it, the rest in UTF-8. Where a signature covers
	// only the JSON in a form, it is that JSON.
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Event returns the event to hand on. It is empty for a challenge and for the
// zero Result. A Result is for one goroutine at a time.
func (r Result) Event() Event {
	if r.event == nil {
		return Event{}
	}
	return r.event()
}

// newEvent makes the event of a verified request. If the scheme that held
// covers only the JSON in a form, the event has no other part of the body.
func (p *provider) newEvent(q *request, held *scheme, types, ids []string) Event {
	event := Event{
		Provider: p.Name, Types: types, ID: joinIDs(ids), IDs: ids,
		Method: q.Method, URL: p.redact.url(q.URL), Header: p.redact.header(q.Header),
	}
	if held.document {
		event.Body = q.document.get(q.findDocument)
		event.Payload = textOrJSON(event.Body)
	} else {
		event.Payload, event.Body = p.payload(q, held), p.redact.body(q)
	}
	if len(types) > 0 {
		event.Type = types[0]
	}
	if objects := p.object.values(q); len(objects) > 0 {
		event.Object = objects[0]
	}
	return event
}

// joinIDs makes one id that stands for all ids.
func joinIDs(ids []string) string {
	switch len(ids) {
	case 0:
		return ""
	case 1:
		return ids[0]
	}
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return hex.EncodeToString(sum[:])
}

// payload returns the body as JSON. XML is a string unless the row reads XML.
// A body that is JSON but is labelled as a form stays a form if the signature
// covers the fields of the form, because then it covers nothing else.
func (p *provider) payload(q *request, held *scheme) json.RawMessage {
	f := q.form.get(q.parseForm)
	switch {
	case f != nil && q.mislabelled() && !held.signed.reads("form"):
		return textOrJSON(q.text.get(q.decodeText))
	case len(q.content.get(q.unpackBody)) == 0:
		return json.RawMessage("null")
	case f != nil && json.Valid(q.document.get(q.findDocument)) && !q.mislabelled():
		return q.document.value
	case f != nil:
		return f.json()
	case p.redact.root(q) != nil:
		for _, n := range p.redact.nodes(q.root.value) {
			n.text, n.kids = nil, nil
		}
		return marshal(q.root.value.json())
	}
	return textOrJSON(q.text.get(q.decodeText))
}

// textOrJSON returns a text that is JSON unchanged, and any other as a JSON
// string.
func textOrJSON(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	return marshal(string(text))
}

// oneOrAll makes an object of the groups: a single value stands by itself,
// several stand in an array.
func oneOrAll[T any](groups map[string][]T) map[string]any {
	members := make(map[string]any, len(groups))
	for name, values := range groups {
		members[name] = values
		if len(values) == 1 {
			members[name] = values[0]
		}
	}
	return members
}

// marshal encodes a value that encoding/json cannot refuse.
func marshal(value any) json.RawMessage {
	text, _ := json.Marshal(value)
	return text
}

// redaction lists the values that are removed before a request is handed on.
type redaction struct {
	headers []string
	fields  []string   // of the query
	paths   [][]string // of XML
}

// alwaysRedacted lists the headers that hold credentials, whichever provider
// sends them.
var alwaysRedacted = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// redaction combines the row's Redact with the sources of all credentials that
// a request carries.
func (c *compiler) redaction(p Provider) redaction {
	r := redaction{headers: slices.Clip(alwaysRedacted)}
	sources := p.Redact
	for _, s := range p.Auth {
		if s.Alg == "equal" && s.Key != "org" { // an organization is no secret
			sources = append(slices.Clip(sources), s.Sig)
		}
	}
	for _, ch := range p.Challenges {
		if ch.Keep != "" {
			sources = append(slices.Clip(sources), ch.Keep)
		}
	}
	for _, s := range sources {
		for _, t := range c.source(s) {
			c.redact(&r, t)
		}
	}
	return r
}

func (c *compiler) redact(r *redaction, t term) {
	switch {
	case t.kind == "header":
		r.headers = append(r.headers, t.name)
	case t.kind == "query":
		r.fields = append(r.fields, t.name)
	case t.kind == "xml" && t.name == "":
		r.paths = append(r.paths, t.path)
	default:
		c.fail("%s cannot be taken out of what is handed on", t.kind)
	}
}

func (r redaction) header(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range r.headers {
		if len(h[name]) > 0 {
			h[name] = []string{redacted}
		}
	}
	return h
}

// url redacts fields of the query and leaves the rest as it was written.
func (r redaction) url(text string) string {
	before, query, ok := strings.Cut(text, "?")
	if !ok {
		return text
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if r.hides(name) {
			pairs[i] = name + "=" + redacted
		}
	}
	return before + "?" + strings.Join(pairs, "&")
}

// hides reports whether a field of the query is redacted. A name that cannot be
// decoded counts as one, if there are any.
func (r redaction) hides(name string) bool {
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return len(r.fields) > 0
	}
	return slices.Contains(r.fields, plain)
}

// body returns the body without the content of the redacted XML elements.
func (r redaction) body(q *request) []byte {
	var kept []byte
	at := int64(0)
	for _, n := range r.nodes(r.root(q)) {
		if n.from >= at {
			kept = append(kept, q.text.value[at:n.from]...)
			at = n.to
		}
	}
	if at == 0 {
		return q.Body
	}
	return append(kept, q.text.value[at:]...)
}

// root returns the XML if something has to be removed from it, or if it was
// parsed already; otherwise nil.
func (r redaction) root(q *request) *node {
	if len(r.paths) > 0 {
		return q.root.get(q.parseRoot)
	}
	return q.root.value
}

func (r redaction) nodes(root *node) []*node {
	var found []*node
	for _, path := range r.paths {
		found = append(found, root.at(path)...)
	}
	slices.SortFunc(found, func(a, b *node) int { return cmp.Compare(a.from, b.from) })
	return found
}

// ProofHeaders lists the headers that prove a request of the provider, and the
// headers of Redact, in the form of [http.CanonicalHeaderKey]: they hold a
// credential, or a signature that somebody could replay.
func (p Provider) ProofHeaders() []string {
	sources := slices.Clone(p.Redact)
	for _, s := range p.Auth {
		sources = append(sources, s.Sig)
	}
	var names []string
	for _, s := range sources {
		terms, _ := s.parse() // New refuses a source that cannot be parsed
		for _, t := range terms {
			if t.kind == "header" && !slices.Contains(names, t.name) {
				names = append(names, t.name)
			}
		}
	}
	return names
}
