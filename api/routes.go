package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
)

// access says who may call a route.
type access int

const (
	keyed  access = iota // holders of the API key may
	public               // everybody may: probes carry no key
	// signed routes ask for no key: the handler verifies a signature. Providers have no key of ours, and they do not call
	// localhost, where no key is asked for, but a tunnel that leads here; a page in a browser could sign nothing.
	signed
)

// anyMethod is for routes whose handler judges the method.
const anyMethod = "*"

// route is one line of the table.
type route struct {
	method string
	path   string
	access access
	query  []string                 // the query parameters it knows; any other is refused, but where signed
	in     any                      // the zero value of the body's type, as callers write it; nil: none is read as JSON
	out    any                      // the zero value of a successful answer's type; nil: the answer is not JSON
	handle func(*gin.Context) error // its error becomes a problem
}

// either is the out of a route with several types of answers.
type either []any

// routes is everything that can be called.
func (s *server) routes() []route {
	return []route{
		{http.MethodPost, "/v1/events", keyed, nil, client.Event{}, client.Published{}, s.publishEvent},
		{http.MethodPost, "/v1/events/batch", keyed, nil, client.BatchRequest{}, client.BatchAnswer{}, s.publishBatch},
		{http.MethodGet, "/v1/events", keyed, paged(eventQuery...), nil, client.Page[client.StoredEvent]{}, s.listEvents},
		{http.MethodGet, "/v1/events/:id", keyed, nil, nil, client.StoredEvent{}, s.getEvent},
		{http.MethodPost, "/v1/events/:id/cancel", keyed, nil, client.ActionRequest{}, client.Cancellation{}, s.cancelEvent},
		{http.MethodPost, "/v1/events/:id/redeliver", keyed, nil, client.JobRequest{}, client.Bulk{}, s.redeliverEvent},

		{http.MethodPost, "/v1/subscriptions", keyed, nil, client.SubscriptionFields{}, client.Subscription{}, s.createSubscription},
		{http.MethodGet, "/v1/subscriptions", keyed, paged("tenant", "status"), nil, client.Page[client.Subscription]{}, s.listSubscriptions},
		{http.MethodGet, "/v1/subscriptions/:id", keyed, nil, nil, client.Subscription{}, s.getSubscription},
		{http.MethodPatch, "/v1/subscriptions/:id", keyed, nil, client.SubscriptionFields{}, client.Subscription{}, s.patchSubscription},
		{http.MethodDelete, "/v1/subscriptions/:id", keyed, nil, nil, nil, s.deleteSubscription},
		{http.MethodGet, "/v1/subscriptions/:id/secret", keyed, nil, nil, client.SigningKey{}, s.getSubscriptionSecret},
		{http.MethodGet, "/v1/subscriptions/:id/public-key", keyed, nil, nil, client.VerifyingKeys{}, s.getPublicKey},
		{http.MethodPost, "/v1/subscriptions/:id/rotate-secret", keyed, nil, client.Rotation{}, client.Rotated{}, s.rotateSecret},
		{http.MethodPost, "/v1/subscriptions/:id/pause", keyed, nil, client.ActionRequest{}, client.Subscription{}, s.pauseSubscription},
		{http.MethodPost, "/v1/subscriptions/:id/resume", keyed, nil, client.JobRequest{}, client.Subscription{}, s.resumeSubscription},
		{http.MethodPost, "/v1/subscriptions/:id/cancel", keyed, nil, client.ActionRequest{}, client.Cancellation{}, s.cancelWaiting},

		{http.MethodPost, "/v1/tenants/:tenant/cancel", keyed, nil, client.ActionRequest{}, client.Cancellation{}, s.cancelTenant},

		{http.MethodGet, "/v1/deliveries", keyed, paged(deliveryQuery...), nil, client.Page[client.Delivery]{}, s.listDeliveries},
		{http.MethodGet, "/v1/deliveries/:id", keyed, nil, nil, client.Delivery{}, s.getDelivery},
		{http.MethodGet, "/v1/deliveries/:id/attempts", keyed, nil, nil, client.Page[client.Attempt]{}, s.listAttempts},
		{http.MethodGet, "/v1/deliveries/:id/runs", keyed, nil, nil, client.Page[client.Run]{}, s.listRuns},
		{http.MethodGet, "/v1/deliveries/:id/history", keyed, []string{"run_id"}, nil, json.RawMessage{}, s.getHistory},
		{http.MethodPost, "/v1/deliveries/:id/cancel", keyed, nil, client.ActionRequest{}, client.Delivery{}, s.cancelDelivery},
		{http.MethodPost, "/v1/deliveries/:id/redeliver", keyed, nil, client.ActionRequest{}, client.Delivery{}, s.redeliverDelivery},

		{http.MethodGet, "/v1/workflows", keyed, paged("since"), nil, client.Page[client.WorkflowRun]{}, s.listWorkflows},
		{http.MethodGet, "/v1/workflows/history", keyed, []string{"workflow_id", "run_id"}, nil, json.RawMessage{}, s.getWorkflowHistory},

		{http.MethodPost, "/v1/recoveries", keyed, nil, client.RecoveryRequest{}, either{client.Recovery{}, client.RecoveryDryRun{}}, s.createRecovery},
		{http.MethodGet, "/v1/recoveries", keyed, paged("tenant", "subscription_id", "status"), nil, client.Page[client.Recovery]{}, s.listRecoveries},
		{http.MethodGet, "/v1/recoveries/:id", keyed, nil, nil, client.Recovery{}, s.getRecovery},
		{http.MethodPost, "/v1/recoveries/:id/cancel", keyed, nil, client.ActionRequest{}, client.Recovery{}, s.cancelRecovery},

		{http.MethodPost, "/v1/sources", keyed, nil, client.SourceFields{}, client.Source{}, s.createSource},
		{http.MethodGet, "/v1/sources", keyed, paged("tenant"), nil, client.Page[client.Source]{}, s.listSources},
		{http.MethodGet, "/v1/sources/:id", keyed, nil, nil, client.Source{}, s.getSource},
		{http.MethodPatch, "/v1/sources/:id", keyed, nil, client.SourceFields{}, client.Source{}, s.patchSource},
		{http.MethodDelete, "/v1/sources/:id", keyed, nil, nil, nil, s.deleteSource},
		{http.MethodGet, "/v1/providers", keyed, nil, nil, client.Page[client.Provider]{}, s.listProviders},
		{anyMethod, "/in/:id", signed, nil, nil, nil, s.receive},

		{http.MethodGet, "/v1/audit", keyed, paged(auditQuery...), nil, client.Page[client.AuditEntry]{}, s.listAudit},

		{http.MethodGet, "/v1/stats", keyed, nil, nil, client.Stats{}, s.getStats},
		{http.MethodGet, "/metrics", keyed, nil, nil, nil, s.getMetrics},

		{http.MethodGet, "/healthz", public, nil, nil, healthView{}, s.health},
		{http.MethodGet, "/readyz", public, nil, nil, readyView{}, s.ready},
	}
}

var eventQuery = []string{"tenant", "type", "idempotency_key", "since", "until"}

var deliveryQuery = []string{"tenant", "subscription_id", "event_id", "event_type", "status", "since", "until"}

var auditQuery = []string{"tenant", "action", "subject", "by", "since", "until"}

func paged(query ...string) []string { return slices.Concat(query, []string{"limit", "cursor"}) }

func (s *server) mount(engine *gin.Engine) {
	for _, r := range s.routes() {
		chain := append(s.guards(r), s.bodies.lend(r.access), handler(r.handle))
		if r.method == anyMethod {
			engine.Any(r.path, chain...)
			continue
		}
		engine.Handle(r.method, r.path, chain...)
		if r.method == http.MethodGet { // each GET also answers HEAD (RFC 9110 §9.3.2)
			engine.Handle(http.MethodHead, r.path, chain...)
		}
	}
}

// handler makes of a route's handler one that Gin can call.
func handler(handle func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handle(c); err != nil {
			fail(c, err)
		}
	}
}

// guards are the middlewares that a request passes before its handler.
func (s *server) guards(r route) []gin.HandlerFunc {
	switch {
	case r.access == signed:
		// The query is verified with the rest of the request, and its parameters are the provider's. The origin is not
		// checked: some webhooks come by way of a browser, and a page that can sign them is no stranger.
		return nil
	case r.access == public:
		return []gin.HandlerFunc{sameOrigin, allowQuery(r.query)}
	case s.APIKey == "":
		return []gin.HandlerFunc{requireLocalHost, sameOrigin, allowQuery(r.query)}
	default:
		return []gin.HandlerFunc{requireKey(s.APIKey), sameOrigin, allowQuery(r.query)}
	}
}
