package api

import "github.com/posthaste/posthaste/models"

// Route is a line of the route table, for tests.
type Route struct {
	Method, Path string
	Keyed        bool
	Scope        models.Scope
	AllOnly      bool // the answer is about all tenants
	In           any
	Out          []any
}

// Routes is the route table, but for the path of sources, which takes any method.
func Routes() []Route {
	var all []Route
	for _, r := range new(server).routes() {
		shown := Route{Method: r.method, Path: r.path, Keyed: !r.access.noKey, Scope: r.access.scope, AllOnly: r.access.allOnly, In: r.in}
		switch out := r.out.(type) {
		case nil:
		case either:
			shown.Out = out
		default:
			shown.Out = []any{out}
		}
		if r.method != anyMethod {
			all = append(all, shown)
		}
	}
	return all
}
