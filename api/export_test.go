package api

import "github.com/posthaste/posthaste/models"

// Route is a line of the route table, for tests.
type Route struct {
	ID           string
	Method, Path string
	Keyed        bool
	Scope        models.Scope
	AllOnly      bool // the answer is about all tenants
	In           any
	Required     []string // fields of In
	Out          []any
	Statuses     []int    // of successful answers
	Query        []string // parameters
}

// Routes is the route table, but for the path of sources, which takes any method, and the pages of the documentation.
func Routes() []Route {
	var all []Route
	for _, r := range new(server).routes() {
		if r.method == anyMethod || isPage(r) {
			continue
		}
		shown := Route{ID: r.id, Method: r.method, Path: r.path, Keyed: !r.access.noKey, Scope: r.access.scope, AllOnly: r.access.allOnly}
		if r.in != nil {
			shown.In, shown.Required = r.in.of, r.in.required
		}
		shown.Query = r.query
		for _, out := range r.out {
			shown.Statuses = append(shown.Statuses, out.status)
			if _, plain := out.of.(plainText); out.of != nil && !plain {
				shown.Out = append(shown.Out, out.of)
			}
		}
		all = append(all, shown)
	}
	return all
}
