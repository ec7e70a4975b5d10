package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/posthaste/posthaste/client"
)

// schemas are the components of a document. Answers and requests follow different rules: an answer may grow fields, and has
// every field that is never left out; a request may have no field that we do not know, and a field that is null counts as
// absent. A type that is used in both therefore has two components.
type schemas struct {
	words  *words
	all    jsonschema.Definitions
	answer jsonschema.Reflector
	asked  jsonschema.Reflector
}

func newSchemas() *schemas {
	s := &schemas{words: readWords(), all: jsonschema.Definitions{}}
	s.answer = jsonschema.Reflector{
		Anonymous: true, AllowAdditionalProperties: true, Mapper: s.known, Namer: nameOf, LookupComment: s.words.of,
	}
	s.asked = jsonschema.Reflector{
		Anonymous: true, RequiredFromJSONSchemaTags: true, Mapper: s.known, Namer: inputName, LookupComment: s.words.of,
	}
	return s
}

// of is the schema of a part of an answer, or of a parameter.
func (s *schemas) of(zero any) *jsonschema.Schema { return s.reflect(&s.answer, zero) }

func (s *schemas) anyOf(zeros []any) *jsonschema.Schema {
	any := &jsonschema.Schema{}
	for _, zero := range zeros {
		any.AnyOf = append(any.AnyOf, s.of(zero))
	}
	return any
}

// ofRequest is the schema of a body. The component of a type has no required fields, as the type may be the body of several
// operations.
func (s *schemas) ofRequest(zero any, required []string) *jsonschema.Schema {
	schema := s.reflect(&s.asked, zero)
	if len(required) == 0 {
		return schema
	}
	return &jsonschema.Schema{AllOf: []*jsonschema.Schema{schema}, Required: required}
}

// refusal is the schema of a problem with one of the codes.
func (s *schemas) refusal(problem any, status int, codes []string) *jsonschema.Schema {
	properties := jsonschema.NewProperties()
	properties.Set("status", &jsonschema.Schema{Const: status})
	properties.Set("code", &jsonschema.Schema{Enum: anys(codes)})
	return &jsonschema.Schema{AllOf: []*jsonschema.Schema{s.of(problem), {Properties: properties}}}
}

// reflect returns a reference to the type's component, or the schema itself of a type without a name of its own.
func (s *schemas) reflect(by *jsonschema.Reflector, zero any) *jsonschema.Schema {
	schema := by.ReflectFromType(reflect.TypeOf(zero))
	for name, component := range schema.Definitions {
		if _, there := s.all[name]; there {
			continue
		}
		if by == &s.asked {
			allowNull(component)
		}
		s.all[name] = component
	}
	schema.Definitions, schema.Version = nil, ""
	return schema
}

// allowNull lets every field be null, which counts as absent.
func allowNull(component *jsonschema.Schema) {
	if component.Properties == nil {
		return
	}
	for field := component.Properties.Oldest(); field != nil; field = field.Next() {
		field.Value = orNull(field.Value)
	}
}

func orNull(schema *jsonschema.Schema) *jsonschema.Schema {
	switch {
	case schema.Type != "":
		schema.Extras = map[string]any{"type": []string{schema.Type, "null"}}
		schema.Type = ""
		return schema
	case schema.Ref != "":
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{schema, {Type: "null"}}}
	default:
		return schema // of any type
	}
}

// known is the schema of a type whose JSON its Go structure does not tell.
func (s *schemas) known(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == reflect.TypeFor[client.Timestamp]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[json.RawMessage](), t.Kind() == reflect.Interface:
		return &jsonschema.Schema{Description: "Any JSON."}
	case t == reflect.TypeFor[client.Duration]():
		return s.component("Duration", &jsonschema.Schema{
			Type: "string", Description: "A duration as Go writes it.", Examples: []any{"15s", "5m", "1h30m"},
		})
	case len(s.words.Values[t.Name()]) > 0:
		return s.component(t.Name(), s.words.enumeration(t.Name()))
	}
	return nil
}

func (s *schemas) component(name string, schema *jsonschema.Schema) *jsonschema.Schema {
	s.all[name] = schema
	return &jsonschema.Schema{Ref: definition + name}
}

// definition is the place of a component in a plain JSON schema.
const definition = "#/$defs/"

// inPlace moves references to the place of components in a document.
func (s *schemas) inPlace(document []byte) []byte {
	return bytes.ReplaceAll(document, []byte(definition), []byte("#/components/schemas/"))
}

var instance = regexp.MustCompile(`^(\w+)\[.*\.(\w+)\]$`)

// nameOf is the name of a type's component: Page[client.Delivery] is DeliveryPage.
func nameOf(t reflect.Type) string {
	if parts := instance.FindStringSubmatch(t.Name()); parts != nil {
		return parts[2] + parts[1]
	}
	name := t.Name()
	if t.Kind() == reflect.Struct && name != "" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

// inputName is nameOf in requests. The types of whole bodies have names of their own.
func inputName(t reflect.Type) string {
	name := nameOf(t)
	for _, suffix := range []string{"", "Fields", "Request"} {
		if name == "" || suffix != "" && strings.HasSuffix(name, suffix) {
			return name
		}
	}
	return name + "Input"
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

// enumeration is the schema of a type whose values package client lists.
func (w *words) enumeration(name string) *jsonschema.Schema {
	schema := &jsonschema.Schema{Type: "string", Description: w.Docs[name]}
	for _, value := range w.Values[name] {
		schema.Enum = append(schema.Enum, value.Value)
		if value.Doc != "" {
			schema.Description += fmt.Sprintf("\n- `%s`: %s", value.Value, value.Doc)
		}
	}
	return schema
}
