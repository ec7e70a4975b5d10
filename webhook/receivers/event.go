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

	// Payload is the body as JSON, always valid: JSON as it came; a form as an
	// object of strings, or arrays of strings for fields that come twice; XML
	// as an object of the elements in the root; nothing as null; and anything
	// else as a string.
	Payload json.RawMessage

	// Method, URL, Header and Body are those of the request, [redacted]. The
	// path of the URL is as it was, also where only who knows it may call.
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

func (p *provider) newEvent(q *request, types, ids []string) Event {
	event := Event{
		Provider: p.Name, Types: types, ID: joinIDs(ids), IDs: ids, Payload: p.payload(q),
		Method: q.Method, URL: p.redact.url(q.URL), Header: p.redact.header(q.Header), Body: p.redact.body(q),
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
func (p *provider) payload(q *request) json.RawMessage {
	form := q.form.get(q.parseForm)
	switch {
	case len(q.Body) == 0:
		return json.RawMessage("null")
	case form != nil && json.Valid(q.document.get(q.findDocument)):
		return q.document.value
	case form != nil:
		return marshal(oneOrAll(form))
	case q.root.value != nil:
		for _, n := range p.redact.nodes(q.root.value) {
			n.text, n.kids = nil, nil
		}
		return marshal(q.root.value.json())
	case json.Valid(q.Body):
		return json.RawMessage(q.Body)
	}
	return marshal(string(q.Body))
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
	for _, n := range r.nodes(q.root.value) {
		if n.from >= at {
			kept = append(kept, q.Body[at:n.from]...)
			at = n.to
		}
	}
	if at == 0 {
		return q.Body
	}
	return append(kept, q.Body[at:]...)
}

func (r redaction) nodes(root *node) []*node {
	var found []*node
	for _, path := range r.paths {
		found = append(found, root.at(path)...)
	}
	slices.SortFunc(found, func(a, b *node) int { return cmp.Compare(a.from, b.from) })
	return found
}
