package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
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
		{http.MethodPost, "/v1/events", needs(models.ScopePublish), nil, client.Event{}, client.Published{}, s.publishEvent},
		{http.MethodPost, "/v1/events/batch", needs(models.ScopePublish), nil, client.BatchRequest{}, client.BatchAnswer{}, s.publishBatch},
		{http.MethodGet, "/v1/events", needs(models.ScopeReadEvents), paged(eventQuery...), nil, client.Page[client.StoredEvent]{}, s.listEvents},
		{http.MethodGet, "/v1/events/:id", needs(models.ScopeReadEvents), nil, nil, client.StoredEvent{}, s.getEvent},
		{http.MethodDelete, "/v1/events/:id", needs(models.ScopeAdmin), []string{"cancel"}, nil, client.Erasure{}, s.eraseEvent},
		{http.MethodPost, "/v1/events/:id/cancel", needs(models.ScopeAct), nil, client.ActionRequest{}, client.Cancellation{}, s.cancelEvent},
		{http.MethodPost, "/v1/events/:id/redeliver", needs(models.ScopeAct), nil, client.JobRequest{}, client.Bulk{}, s.redeliverEvent},

		{http.MethodPost, "/v1/subscriptions", needs(models.ScopeWriteSubscriptions), nil, client.SubscriptionFields{}, client.Subscription{}, s.createSubscription},
		{http.MethodGet, "/v1/subscriptions", needs(models.ScopeReadSubscriptions), paged("tenant", "status"), nil, client.Page[client.Subscription]{}, s.listSubscriptions},
		{http.MethodGet, "/v1/subscriptions/:id", needs(models.ScopeReadSubscriptions), nil, nil, client.Subscription{}, s.getSubscription},
		{http.MethodPatch, "/v1/subscriptions/:id", needs(models.ScopeWriteSubscriptions), nil, client.SubscriptionFields{}, client.Subscription{}, s.patchSubscription},
		{http.MethodDelete, "/v1/subscriptions/:id", needs(models.ScopeWriteSubscriptions), nil, nil, nil, s.deleteSubscription},
		{http.MethodGet, "/v1/subscriptions/:id/secret", needs(models.ScopeReadSecrets), nil, nil, client.SigningKey{}, s.getSubscriptionSecret},
		{http.MethodGet, "/v1/subscriptions/:id/public-key", needs(models.ScopeReadSubscriptions), nil, nil, client.VerifyingKeys{}, s.getPublicKey},
		{http.MethodPost, "/v1/subscriptions/:id/rotate-secret", needs(models.ScopeWriteSubscriptions), nil, client.Rotation{}, client.Rotated{}, s.rotateSecret},
		{http.MethodPost, "/v1/subscriptions/:id/pause", needs(models.ScopeAct), nil, client.ActionRequest{}, client.Subscription{}, s.pauseSubscription},
		{http.MethodPost, "/v1/subscriptions/:id/resume", needs(models.ScopeAct), nil, client.JobRequest{}, client.Subscription{}, s.resumeSubscription},
		{http.MethodPost, "/v1/subscriptions/:id/cancel", needs(models.ScopeAct), nil, client.ActionRequest{}, client.Cancellation{}, s.cancelWaiting},

		{http.MethodGet, "/v1/tenants", needs(models.ScopeAdmin), paged(), nil, client.Page[client.Tenant]{}, s.listTenants},
		{http.MethodGet, "/v1/tenants/:tenant", needs(models.ScopeAdmin), nil, nil, client.Tenant{}, s.getTenant},
		{http.MethodPut, "/v1/tenants/:tenant", needs(models.ScopeAdmin), nil, client.TenantFields{}, client.Tenant{}, s.putTenant},
		{http.MethodDelete, "/v1/tenants/:tenant", needs(models.ScopeAdmin), nil, nil, client.Erasure{}, s.eraseTenant},
		{http.MethodGet, "/v1/erasures/:id", needs(models.ScopeAdmin), nil, nil, client.Erasure{}, s.getErasure},
		{http.MethodPost, "/v1/tenants/:tenant/cancel", needs(models.ScopeAct), nil, client.ActionRequest{}, client.Cancellation{}, s.cancelTenant},

		{http.MethodGet, "/v1/deliveries", needs(models.ScopeReadEvents), paged(deliveryQuery...), nil, client.Page[client.Delivery]{}, s.listDeliveries},
		{http.MethodGet, "/v1/deliveries/:id", needs(models.ScopeReadEvents), nil, nil, client.Delivery{}, s.getDelivery},
		{http.MethodGet, "/v1/deliveries/:id/attempts", needs(models.ScopeReadEvents), nil, nil, client.Page[client.Attempt]{}, s.listAttempts},
		{http.MethodGet, "/v1/deliveries/:id/runs", needs(models.ScopeReadEvents), nil, nil, client.Page[client.Run]{}, s.listRuns},
		{http.MethodGet, "/v1/deliveries/:id/history", needs(models.ScopeReadEvents), []string{"run_id"}, nil, json.RawMessage{}, s.getHistory},
		{http.MethodPost, "/v1/deliveries/:id/cancel", needs(models.ScopeAct), nil, client.ActionRequest{}, client.Delivery{}, s.cancelDelivery},
		{http.MethodPost, "/v1/deliveries/:id/redeliver", needs(models.ScopeAct), nil, client.ActionRequest{}, client.Delivery{}, s.redeliverDelivery},

		{http.MethodGet, "/v1/workflows", needs(models.ScopeAdmin), paged("since"), nil, client.Page[client.WorkflowRun]{}, s.listWorkflows},
		{http.MethodGet, "/v1/workflows/history", needs(models.ScopeAdmin), []string{"workflow_id", "run_id"}, nil, json.RawMessage{}, s.getWorkflowHistory},

		{http.MethodPost, "/v1/recoveries", needs(models.ScopeAct), nil, client.RecoveryRequest{}, either{client.Recovery{}, client.RecoveryDryRun{}}, s.createRecovery},
		{http.MethodGet, "/v1/recoveries", needs(models.ScopeReadEvents), paged("tenant", "subscription_id", "status"), nil, client.Page[client.Recovery]{}, s.listRecoveries},
		{http.MethodGet, "/v1/recoveries/:id", needs(models.ScopeReadEvents), nil, nil, client.Recovery{}, s.getRecovery},
		{http.MethodPost, "/v1/recoveries/:id/cancel", needs(models.ScopeAct), nil, client.ActionRequest{}, client.Recovery{}, s.cancelRecovery},

		{http.MethodPost, "/v1/sources", needs(models.ScopeWriteSources), nil, client.SourceFields{}, client.Source{}, s.createSource},
		{http.MethodGet, "/v1/sources", needs(models.ScopeReadSubscriptions), paged("tenant"), nil, client.Page[client.Source]{}, s.listSources},
		{http.MethodGet, "/v1/sources/:id", needs(models.ScopeReadSubscriptions), nil, nil, client.Source{}, s.getSource},
		{http.MethodPatch, "/v1/sources/:id", needs(models.ScopeWriteSources), nil, client.SourceFields{}, client.Source{}, s.patchSource},
		{http.MethodDelete, "/v1/sources/:id", needs(models.ScopeWriteSources), nil, nil, nil, s.deleteSource},
		{http.MethodGet, "/v1/providers", needs(models.ScopeReadSubscriptions), nil, nil, client.Page[client.Provider]{}, s.listProviders},
		{anyMethod, "/in/:id", signed, nil, nil, nil, s.receive},

		{http.MethodPost, "/v1/keys", needs(models.ScopeAdmin), nil, client.APIKeyFields{}, client.APIKey{}, s.createKey},
		{http.MethodGet, "/v1/keys", needs(models.ScopeAdmin), paged("tenant"), nil, client.Page[client.APIKey]{}, s.listKeys},
		{http.MethodGet, "/v1/keys/:id", needs(models.ScopeAdmin), nil, nil, client.APIKey{}, s.getKey},
		{http.MethodDelete, "/v1/keys/:id", needs(models.ScopeAdmin), nil, nil, nil, s.revokeKey},

		{http.MethodGet, "/v1/audit", needs(models.ScopeReadAudit), paged(auditQuery...), nil, client.Page[client.AuditEntry]{}, s.listAudit},

		{http.MethodGet, "/v1/stats", needsForAll(models.ScopeReadStats), nil, nil, client.Stats{}, s.getStats},
		{http.MethodGet, "/v1/stats/series", needs(models.ScopeReadStats), seriesQuery, nil, client.Series{}, s.getSeries},
		{http.MethodGet, "/metrics", needsForAll(models.ScopeReadStats), nil, nil, nil, s.getMetrics},

		{http.MethodGet, "/healthz", public, nil, nil, healthView{}, s.health},
		{http.MethodGet, "/readyz", public, nil, nil, readyView{}, s.ready},
	}
}

var eventQuery = []string{"tenant", "type", "idempotency_key", "since", "until"}

var deliveryQuery = []string{"tenant", "subscription_id", "event_id", "event_type", "status", "since", "until"}

var auditQuery = []string{"tenant", "action", "subject", "by", "key", "since", "until"}

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
	case r.access.signed:
		// The query is verified with the rest of the request, and its parameters are the provider's. The origin is not
		// checked: some webhooks come by way of a browser, and a page that can sign them is no stranger.
		return nil
	case r.access.noKey:
		return []gin.HandlerFunc{sameOrigin, allowQuery(r.query)}
	case s.APIKey == "":
		return []gin.HandlerFunc{requireLocalHost, s.requireScope(r.access), sameOrigin, allowQuery(r.query)}
	default:
		return []gin.HandlerFunc{s.requireScope(r.access), sameOrigin, allowQuery(r.query)}
	}
}
