package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/openapi"
	"github.com/posthaste/posthaste/models"
)

const (
	descriptionPath = "/openapi.json"
	docsPath        = "/docs/"
)

// description writes the OpenAPI document, once: the routes do not change.
func description(version string) func() []byte {
	return sync.OnceValue(func() []byte { return Describe(version) })
}

// Describe returns the OpenAPI 3.1 document of the API, as GET /openapi.json answers it.
func Describe(version string) []byte {
	described := openapi.API{
		Title: "Posthaste", Version: version, Description: descriptionText, Tags: tags, Webhooks: []openapi.Call{deliveryCall()},
		Problem: client.Problem{}, Refusals: codesByStatus(),
	}
	for _, r := range new(server).routes() {
		described.Calls = append(described.Calls, callsOf(r)...)
	}
	return openapi.Describe(described)
}

// callsOf is a route as callers see it. The pages that show the description are no calls.
func callsOf(r route) []openapi.Call {
	call := openapi.Call{
		ID: r.id, Method: r.method, Path: r.path, Summary: summaries[r.id], Tag: tagOf(r.path), Scope: string(r.access.scope),
		Parameters: parametersOf(r), Refusals: refusalsOf(r),
	}
	switch {
	case isPage(r):
		return nil
	case r.method == anyMethod:
		return receiveCalls(call)
	}
	if r.in != nil {
		call.Body = &openapi.Body{Of: r.in.of, Required: r.in.required, Optional: r.in.optional, Example: exampleOf(reflect.TypeOf(r.in.of))}
	}
	for _, out := range r.out {
		call.Answers = append(call.Answers, answerOf(r, out))
	}
	if r.id == "getReadiness" {
		call.Answers = append(call.Answers, openapi.Answer{
			Status: http.StatusServiceUnavailable, Of: client.Unready{}, Media: problemMedia,
		})
	}
	return []openapi.Call{call}
}

func answerOf(r route, out output) openapi.Answer {
	a := openapi.Answer{Status: out.status, Of: out.of, Location: hasLocation(r, out)}
	if _, plain := out.of.(plainText); plain {
		a.Of, a.Media = "", "text/plain"
		return a
	}
	if out.of != nil {
		a.Example = exampleOf(reflect.TypeOf(out.of))
	}
	return a
}

// withLocation are the calls that answer 202 with the path of what will be done.
var withLocation = []string{"publishEvent", "createRecovery", "eraseEvent", "eraseTenant"}

func hasLocation(r route, out output) bool {
	return out.status == http.StatusCreated || out.status == http.StatusAccepted && slices.Contains(withLocation, r.id)
}

func isPage(r route) bool {
	return strings.HasPrefix(r.path+"/", docsPath) || r.path == descriptionPath
}

// receiveCalls are the two methods that providers use. Others exist; OpenAPI has no way to say "any".
func receiveCalls(call openapi.Call) []openapi.Call {
	call.Answers = []openapi.Answer{{Description: "What the provider expects.", Of: "", Media: "text/plain"}}
	post, get := call, call
	post.Method, get.Method = http.MethodPost, http.MethodGet
	get.ID, get.Summary = "answerHandshake", summaries["answerHandshake"]
	return []openapi.Call{post, get}
}

func parametersOf(r route) []openapi.Parameter {
	var all []openapi.Parameter
	for _, name := range r.query {
		p, special := parameters[r.id+"."+name]
		if !special {
			p = parameters[name]
		}
		p.Name, p.In = name, "query"
		p.Required = slices.Contains(requiredParameters[r.id], name)
		all = append(all, p)
	}
	if r.id == "publishEvent" {
		all = append(all, openapi.Parameter{
			Name: idempotencyHeader, In: "header", Of: "", Description: "Instead of the field `idempotency_key`.", Example: "order-42-paid",
		})
	}
	if r.access.scope == models.ScopePublish {
		all = append(all, openapi.Parameter{
			Name: "traceparent", In: "header", Of: "", Description: "The trace that the events belong to (W3C Trace Context).",
			Example: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		})
	}
	if r.method != http.MethodGet && !r.access.noKey && r.access.scope != models.ScopePublish {
		all = append(all, openapi.Parameter{
			Name: actorHeader, In: "header", Of: "", Description: "The person for whom the call is made, for the audit.", Example: "Jo Lindqvist",
		})
	}
	return all
}

// refusalsOf are the statuses with which a route can refuse, by what stands before and in its handler.
func refusalsOf(r route) []int {
	all := []int{http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if r.id == "getReadiness" { // whose 503 says more
		all = all[:2]
	}
	if r.access.signed {
		all = append(all, http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusTooManyRequests)
	}
	if !r.access.noKey {
		all = append(all, http.StatusUnauthorized, http.StatusMisdirectedRequest, http.StatusTooManyRequests)
	}
	all = append(all, http.StatusForbidden)
	if strings.Contains(r.path, ":id") || r.in != nil || strings.Contains(r.path, "workflows") {
		all = append(all, http.StatusNotFound)
	}
	if r.in != nil || r.access.signed {
		all = append(all, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if r.in != nil || r.method == http.MethodDelete || strings.Contains(r.path, ":id/") || r.access.signed {
		all = append(all, http.StatusConflict)
	}
	return all
}

func codesByStatus() map[int][]string {
	all := map[int][]string{}
	for code, status := range statuses {
		all[status] = append(all[status], string(code))
	}
	for _, codes := range all {
		slices.Sort(codes)
	}
	return all
}

// exampleOf is the example of a type; nil: there is none. The example of a page has one item.
func exampleOf(t reflect.Type) any {
	if example, ok := examples[t]; ok {
		return example
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	list, ok := t.FieldByName("Data")
	if !ok || list.Type.Kind() != reflect.Slice {
		return nil
	}
	item := exampleOf(list.Type.Elem())
	if item == nil {
		return nil
	}
	page := reflect.New(t).Elem()
	page.FieldByIndex(list.Index).Set(reflect.Append(reflect.Zero(list.Type), reflect.ValueOf(item)))
	return page.Interface()
}

// getDescription handles GET /openapi.json.
func (s *server) getDescription(c *gin.Context) error {
	c.Data(http.StatusOK, "application/json", s.description())
	return nil
}

// docsPolicy lets the page load what this program has, and nothing of any other host. Swagger UI has scripts and styles in its
// page.
const docsPolicy = "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; " +
	"style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// showDocs handles GET /docs/: a page with the description, on which calls can be tried.
func (s *server) showDocs(c *gin.Context) error {
	c.Header("Content-Security-Policy", docsPolicy)
	c.Header("X-Content-Type-Options", "nosniff")
	s.docs.ServeHTTP(c.Writer, c.Request)
	return nil
}

// findDocs handles GET /docs.
func (s *server) findDocs(c *gin.Context) error {
	c.Redirect(http.StatusPermanentRedirect, docsPath)
	return nil
}

func newDocs() http.Handler {
	return v5emb.NewWithConfig(swgui.Config{
		SettingsUI: map[string]string{"validatorUrl": "null", "persistAuthorization": "false", "tryItOutEnabled": "true"},
	})("Posthaste API", descriptionPath, docsPath)
}
