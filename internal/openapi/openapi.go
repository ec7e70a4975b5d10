package openapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// API is all that a document describes.
type API struct {
	Title, Version, Description string

	Tags     []Tag
	Calls    []Call
	Webhooks []Call // requests that the server makes; Path is a name

	// Problem is the zero value of the body of a refusal. Refusals are the codes of refusals, by status.
	Problem  any
	Refusals map[int][]string
}

// Tag is a group of calls.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Call is one operation.
type Call struct {
	ID          string // unique
	Method      string
	Path        string // its parameters begin with a colon, as in /events/:id
	Summary     string
	Description string
	Tag         string
	Scope       string // that the key of the caller must hold; empty: no key is needed
	Parameters  []Parameter
	Body        *Body // nil: none
	Answers     []Answer
	Refusals    []int // statuses
}

// Parameter is a part of the query or a header of a request, or of the path.
type Parameter struct {
	Name, In, Description string
	Of                    any // the zero value of its type
	Required              bool
	Example               any // nil: none
}

// Body is the JSON body of a request.
type Body struct {
	Of       any      // the zero value of its type, as a caller of ours writes it
	AnyOf    []any    // instead of Of, for a webhook: the zero values of its types
	Required []string // fields; all others are optional and may be null
	Optional bool     // the request may come without it
	Example  any      // nil: none
}

// Answer is a successful answer.
type Answer struct {
	Status      int // 0: every 2xx
	Description string
	Of          any    // the zero value of its type; nil: no body
	Media       string // empty: application/json
	Location    bool   // the header has the path of what was made
	Example     any    // nil: none
}

// KeyScheme is the name of the security scheme, whose scopes stand at each operation.
const KeyScheme = "apiKey"

// Describe writes the document. It panics if the API contradicts itself: it is made of constants.
func Describe(api API) []byte {
	schemas := newSchemas()
	d := document{
		OpenAPI: "3.1.1",
		Info: info{
			Title: api.Title, Version: api.Version, Description: api.Description,
			License: license{Name: "Apache 2.0", Identifier: "Apache-2.0"},
		},
		Servers:  []server{{URL: "/"}},
		Tags:     api.Tags,
		Paths:    paths(api.Calls, schemas),
		Webhooks: paths(api.Webhooks, schemas),
		Components: components{
			Responses: refusals(api, schemas),
			SecuritySchemes: map[string]any{KeyScheme: map[string]string{
				"type": "http", "scheme": "bearer", "description": "An API key, or the root key of the server.",
			}},
		},
	}
	d.Components.Schemas = schemas.all
	text, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("openapi: describe the API: %v", err))
	}
	return schemas.inPlace(text)
}

// The parts of a document, as OpenAPI names them.
type (
	document struct {
		OpenAPI    string              `json:"openapi"`
		Info       info                `json:"info"`
		Servers    []server            `json:"servers"`
		Tags       []Tag               `json:"tags"`
		Paths      map[string]pathItem `json:"paths"`
		Webhooks   map[string]pathItem `json:"webhooks"`
		Components components          `json:"components"`
	}
	info struct {
		Title       string  `json:"title"`
		Version     string  `json:"version"`
		Description string  `json:"description"`
		License     license `json:"license"`
	}
	license struct {
		Name       string `json:"name"`
		Identifier string `json:"identifier"`
	}
	server struct {
		URL string `json:"url"`
	}
	pathItem  map[string]operation
	operation struct {
		ID          string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Description string                `json:"description,omitempty"`
		Tags        []string              `json:"tags"`
		Security    []map[string][]string `json:"security"`
		Parameters  []parameter           `json:"parameters,omitempty"`
		RequestBody *requestBody          `json:"requestBody,omitempty"`
		Responses   map[string]response   `json:"responses"`
	}
	parameter struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description,omitempty"`
		Required    bool   `json:"required,omitempty"`
		Schema      any    `json:"schema"`
		Example     any    `json:"example,omitempty"`
	}
	requestBody struct {
		Required bool    `json:"required,omitempty"`
		Content  content `json:"content"`
	}
	response struct {
		Ref         string            `json:"$ref,omitempty"`
		Description string            `json:"description,omitempty"`
		Headers     map[string]header `json:"headers,omitempty"`
		Content     content           `json:"content,omitempty"`
	}
	header struct {
		Description string `json:"description"`
		Schema      any    `json:"schema"`
	}
	content   map[string]mediaType
	mediaType struct {
		Schema  any `json:"schema"`
		Example any `json:"example,omitempty"`
	}
	components struct {
		Schemas         any                 `json:"schemas"`
		Responses       map[string]response `json:"responses"`
		SecuritySchemes map[string]any      `json:"securitySchemes"`
	}
)

const jsonMedia = "application/json"

func paths(calls []Call, schemas *schemas) map[string]pathItem {
	all := map[string]pathItem{}
	for _, call := range calls {
		path, parameters := pathOf(call.Path)
		if all[path] == nil {
			all[path] = pathItem{}
		}
		call.Parameters = append(parameters, call.Parameters...)
		all[path][strings.ToLower(call.Method)] = operationOf(call, schemas)
	}
	return all
}

// pathOf writes /events/:id as /events/{id}, and lists its parameters.
func pathOf(path string) (string, []Parameter) {
	var parameters []Parameter
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
			parameters = append(parameters, Parameter{Name: name, In: "path", Of: "", Required: true})
		}
	}
	return strings.Join(parts, "/"), parameters
}

func operationOf(call Call, schemas *schemas) operation {
	o := operation{
		ID: call.ID, Summary: call.Summary, Description: call.Description, Tags: []string{call.Tag},
		Security: []map[string][]string{}, Responses: map[string]response{},
	}
	if call.Scope != "" {
		o.Security = append(o.Security, map[string][]string{KeyScheme: {call.Scope}})
	}
	for _, p := range call.Parameters {
		o.Parameters = append(o.Parameters, parameter{
			Name: p.Name, In: p.In, Description: p.Description, Required: p.Required, Schema: schemas.of(p.Of), Example: p.Example,
		})
	}
	if call.Body != nil {
		o.RequestBody = bodyOf(call.Body, schemas)
	}
	for _, answer := range call.Answers {
		o.Responses[statusKey(answer.Status)] = responseOf(answer, schemas)
	}
	for _, status := range call.Refusals {
		o.Responses[strconv.Itoa(status)] = response{Ref: "#/components/responses/" + refusalName(status)}
	}
	return o
}

func bodyOf(b *Body, schemas *schemas) *requestBody {
	schema := schemas.anyOf(b.AnyOf)
	if b.Of != nil {
		schema = schemas.ofRequest(b.Of, b.Required)
	}
	return &requestBody{Required: !b.Optional, Content: content{jsonMedia: {Schema: schema, Example: b.Example}}}
}

func statusKey(status int) string {
	if status == 0 {
		return "2XX"
	}
	return strconv.Itoa(status)
}

func responseOf(a Answer, schemas *schemas) response {
	r := response{Description: a.Description}
	if r.Description == "" {
		r.Description = http.StatusText(a.Status)
	}
	if a.Location {
		r.Headers = map[string]header{"Location": {Description: "The path of what was made.", Schema: schemas.of("")}}
	}
	if a.Of == nil {
		return r
	}
	media := a.Media
	if media == "" {
		media = jsonMedia
	}
	r.Content = content{media: {Schema: schemas.of(a.Of), Example: a.Example}}
	return r
}

// refusals are the responses that operations refer to: one for each status.
func refusals(api API, schemas *schemas) map[string]response {
	all := map[string]response{}
	for status, codes := range api.Refusals {
		r := response{
			Description: http.StatusText(status) + "." + schemas.words.codes(codes),
			Content:     content{"application/problem+json": {Schema: schemas.refusal(api.Problem, status, codes)}},
		}
		if status == http.StatusTooManyRequests {
			r.Headers = map[string]header{"Retry-After": {Description: "Seconds to wait.", Schema: schemas.of(0)}}
		}
		all[refusalName(status)] = r
	}
	return all
}

// refusalName is the name of the response with the status, such as NotFound.
func refusalName(status int) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(status))
}
