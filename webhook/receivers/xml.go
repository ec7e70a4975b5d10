package receivers

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// These constants bound a stranger's XML. Salesforce sends at most 100 records
// in one message, of some hundred fields each.
const (
	maxNodes      = 1 << 15
	maxAttributes = 1 << 15
	maxDepth      = 32
)

var (
	errDoctype = errors.New("a document type declaration")
	errNested  = errors.New("XML with too many elements or attributes")
	errNotXML  = errors.New("not XML")
)

// node is an element. Names are local: the prefix of a namespace is the
// sender's choice.
type node struct {
	name     string
	attrs    []xml.Attr
	text     []byte
	kids     []*node
	from, to int64 // its content in the document
}

// parseXML returns the root of a document in UTF-8, whatever charset it
// declares. It expands no entities, since it refuses document type
// declarations. Attributes are counted before decoding, by their equals signs,
// because the decoder reads all attributes of an element at once.
func parseXML(document []byte) (*node, error) {
	if bytes.Count(document, []byte("=")) > maxAttributes {
		return nil, errNested
	}
	p := xmlParser{decoder: xml.NewDecoder(bytes.NewReader(document)), stack: []*node{{}}}
	p.decoder.CharsetReader = func(_ string, text io.Reader) (io.Reader, error) { return text, nil }
	for {
		at := p.decoder.InputOffset()
		token, err := p.decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return p.root()
		case err != nil:
			return nil, errNotXML
		}
		if err := p.take(token, at); err != nil {
			return nil, err
		}
	}
}

type xmlParser struct {
	decoder *xml.Decoder
	stack   []*node // the first holds the root
	nodes   int
}

// take adds a token, which begins at the given offset.
func (p *xmlParser) take(token xml.Token, at int64) error {
	top := p.stack[len(p.stack)-1]
	switch token := token.(type) {
	case xml.Directive:
		return errDoctype
	case xml.StartElement:
		return p.open(top, token)
	case xml.EndElement:
		top.to = at
		p.stack = p.stack[:len(p.stack)-1]
	case xml.CharData:
		if len(top.kids) == 0 {
			top.text = append(top.text, token...)
		}
	}
	return nil
}

func (p *xmlParser) open(parent *node, start xml.StartElement) error {
	if p.nodes++; p.nodes > maxNodes || len(p.stack) > maxDepth {
		return errNested
	}
	child := &node{name: start.Name.Local, attrs: start.Attr, from: p.decoder.InputOffset()}
	parent.kids = append(parent.kids, child)
	p.stack = append(p.stack, child)
	return nil
}

func (p *xmlParser) root() (*node, error) {
	if roots := p.stack[0].kids; len(roots) == 1 {
		return roots[0], nil
	}
	return nil, errNotXML
}

// find returns the text, or an attribute, of the elements at a path below n.
func (n *node) find(path []string, attribute string) []string {
	var found []string
	for _, at := range n.at(path) {
		text := strings.TrimSpace(string(at.text))
		if attribute != "" {
			text = at.attribute(attribute)
		}
		if text != "" && len(found) < maxValues {
			found = append(found, text)
		}
	}
	return found
}

// at returns the elements at a path below n, which may be nil.
func (n *node) at(path []string) []*node {
	switch {
	case n == nil:
		return nil
	case len(path) == 0:
		return []*node{n}
	}
	var found []*node
	for _, kid := range n.kids {
		if kid.name == path[0] {
			found = append(found, kid.at(path[1:])...)
		}
	}
	return found
}

// attribute returns the value of an attribute without its namespace prefix: the
// values that matter are names.
func (n *node) attribute(name string) string {
	for _, a := range n.attrs {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			return a.Value[strings.IndexByte(a.Value, ':')+1:]
		}
	}
	return ""
}

// json returns the element as a value for encoding/json: its text, or its
// elements by name; null where xsi:nil says so. Attributes are left out, except
// the type of an element that holds others, which is @type.
func (n *node) json() any {
	switch {
	case n.attribute("nil") == "true":
		return nil
	case len(n.kids) == 0:
		return string(n.text)
	}
	groups := map[string][]any{}
	for _, kid := range n.kids {
		groups[kid.name] = append(groups[kid.name], kid.json())
	}
	members := oneOrAll(groups)
	if kind := n.attribute("type"); kind != "" {
		members["@type"] = kind
	}
	return members
}
