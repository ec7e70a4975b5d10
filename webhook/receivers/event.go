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

// Event is a verified webhook as it may be handed on, stored and logged: what
// could be used to forge another one, or to call the provider, is taken out.
type Event struct {
	// Provider is the name in its row.
	Provider string

	// Type is what happened, the first if there are several; "" where the
	// provider does not tell. Types are all.
	//
	// Types and ids that come in headers are not signed by GitHub, Bitbucket,
	// Shopify and others: route by them, but do not decide by them who may do
	// what.
	Type  string
	Types []string

	// ID is the same when the same event comes again: handle it once. It is ""
	// where the provider sends nothing that tells. Where a request has several
	// IDs it stands for all of them together, and each is to be handled once
	// as well.
	ID  string
	IDs []string

	// Object is the kind of thing that it happened to; "" where the provider
	// does not tell.
	Object string

	// Payload is the body as JSON, always valid and in UTF-8, whatever content
	// coding and charset it came in: JSON as it was written, without a byte
	// order mark; a form as an object of strings, or arrays of strings for
	// fields that come twice, and instead of a file an object of its filename,
	// content_type and size; of a form around JSON ([Provider.Wrap]), that
	// JSON; XML as an object of the elements in the root; nothing as null; and
	// any other text as a string.
	Payload json.RawMessage

	// Method, URL, Header and Body are those of the request, [redacted]. The
	// path of the URL is as it was, also where only who knows it may call. The
	// body is the bytes as received, or, where something is taken out of it,
	// what is left in UTF-8. Where a signature covers only the JSON in a form,
	// it is that JSON.
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Event gives what may be handed on. Of a challenge, and of the zero Result,
// it is empty. A Result is for one goroutine at a time.
func (r Result) Event() Event {
	if r.event == nil {
		return Event{}
	}
	return r.event()
}

// newEvent hands on nothing of the body that the scheme which held leaves open.
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

// joinIDs gives one id for all.
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

// payload gives JSON, whatever came. The XML of a row that reads none is text.
// A signature over the fields of a form covers nothing but these.
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

// textOrJSON is a string for what is not JSON.
func textOrJSON(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	return marshal(string(text))
}

// oneOrAll makes a value of its own of those that have no second.
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

// marshal is for what encoding/json cannot refuse.
func marshal(value any) json.RawMessage {
	text, _ := json.Marshal(value)
	return text
}

// redaction is what is taken out before anything is handed on.
type redaction struct {
	headers []string
	fields  []string   // of the query
	paths   [][]string // of XML
}

// alwaysRedacted are headers that hold credentials whoever sends them.
var alwaysRedacted = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// redaction takes what the row says and every credential that is compared.
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

// url leaves the rest of the query as it was written.
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

// hides takes a name that cannot be read for one of them.
func (r redaction) hides(name string) bool {
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return len(r.fields) > 0
	}
	return slices.Contains(r.fields, plain)
}

// body cuts the content of elements out, in the order in which they stand.
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

// root reads the XML where there is something to take out of it, or if it was
// read already.
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

// ProofHeaders names the headers in which a request of the provider proves
// itself, and those of Redact, in the form of [http.CanonicalHeaderKey]: what
// they hold is a credential, or a signature that others could use again.
func (p Provider) ProofHeaders() []string {
	sources := slices.Clone(p.Redact)
	for _, s := range p.Auth {
		sources = append(sources, s.Sig)
	}
	var names []string
	for _, s := range sources {
		terms, _ := s.parse() // New refuses what it cannot read
		for _, t := range terms {
			if t.kind == "header" && !slices.Contains(names, t.name) {
				names = append(names, t.name)
			}
		}
	}
	return names
}
