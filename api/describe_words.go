package api

import (
	"strings"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/openapi"
	"github.com/posthaste/posthaste/models"
)

const descriptionText = `Durable webhook delivery: publishers send events, and each event is delivered to every subscription whose
event types match, by signed HTTP POST requests, with retries.

Rules for every call: a body is one JSON object in UTF-8; unknown fields and unknown query parameters are refused; a field that is
null counts as absent, unless its description says otherwise; an absent field in an answer has no value; lists are newest first, and
next_cursor fetches the next page; an error is a problem document (RFC 9457) whose code is for programs. Every answer has the header
X-Request-Id. Every path with GET also has HEAD.`

// tags are the groups of calls, by the first word of their paths.
var tags = []openapi.Tag{
	{Name: "events", Description: "Publish events, and see what became of them."},
	{Name: "subscriptions", Description: "Who receives which events, where, and how."},
	{Name: "deliveries", Description: "One event for one subscription, with its attempts."},
	{Name: "recoveries", Description: "Deliver again what a subscription missed."},
	{Name: "sources", Description: "Receive the webhooks of other systems as events."},
	{Name: "tenants", Description: "Settings of tenants, and the removal of all that is kept of one."},
	{Name: "keys", Description: "Keys for parts of the API."},
	{Name: "audit", Description: "Who changed what."},
	{Name: "workflows", Description: "The workflows in Temporal."},
	{Name: "figures", Description: "Statistics, search, metrics and health."},
	{Name: "webhooks", Description: "The requests that subscribers receive."},
}

// tagOf is the tag of a path.
func tagOf(path string) string {
	word := strings.Split(strings.TrimPrefix(path, "/v1"), "/")[1]
	switch word {
	case "stats", "search", "metrics", "healthz", "readyz":
		return "figures"
	case "in", "providers":
		return "sources"
	case "erasures":
		return "tenants"
	}
	return word
}

// summaries says what each call does.
var summaries = map[string]string{
	"publishEvent":                 "Publish an event",
	"publishBatch":                 "Publish up to 1,000 events",
	"listEvents":                   "List events",
	"getEvent":                     "Get an event with its data and deliveries",
	"eraseEvent":                   "Erase an event",
	"cancelEvent":                  "Stop the deliveries of an event",
	"redeliverEvent":               "Deliver an event again",
	"createSubscription":           "Subscribe a URL to events",
	"listSubscriptions":            "List subscriptions",
	"getSubscription":              "Get a subscription",
	"updateSubscription":           "Change a subscription",
	"deleteSubscription":           "Delete a subscription",
	"getSubscriptionSecret":        "Reveal the signing secret of a subscription",
	"getSubscriptionPublicKey":     "Get the public keys of a subscription that signs with Ed25519",
	"rotateSubscriptionSecret":     "Give a subscription a new secret",
	"pauseSubscription":            "Hold the deliveries of a subscription",
	"resumeSubscription":           "Release the held deliveries of a subscription",
	"cancelSubscriptionDeliveries": "Stop the waiting deliveries of a subscription",
	"listTenants":                  "List tenants",
	"getTenant":                    "Get a tenant with its settings",
	"setTenant":                    "Replace the settings of a tenant",
	"eraseTenant":                  "Erase all that is kept of a tenant",
	"getErasure":                   "Get an erasure with its progress",
	"cancelTenantDeliveries":       "Stop the waiting deliveries of a tenant",
	"listDeliveries":               "List deliveries",
	"getDelivery":                  "Get a delivery",
	"listDeliveryAttempts":         "List the attempts of a delivery",
	"listDeliveryRuns":             "List the workflow runs of a delivery",
	"getDeliveryHistory":           "Get the history of a workflow run of a delivery",
	"cancelDelivery":               "Stop a delivery",
	"redeliverDelivery":            "Try a delivery now",
	"listWorkflows":                "List the runs of all workflows",
	"getWorkflowHistory":           "Get the history of a workflow run",
	"createRecovery":               "Deliver again what a subscription missed",
	"listRecoveries":               "List recoveries",
	"getRecovery":                  "Get a recovery with its progress",
	"cancelRecovery":               "Stop a recovery",
	"createSource":                 "Make a URL for the webhooks of another system",
	"listSources":                  "List sources",
	"getSource":                    "Get a source",
	"updateSource":                 "Change a source",
	"deleteSource":                 "Delete a source",
	"listProviders":                "List the providers whose webhooks a source can receive",
	"receiveWebhook":               "Receive a webhook, signed by its provider",
	"answerHandshake":              "Answer the handshake of a provider",
	"createKey":                    "Make an API key",
	"listKeys":                     "List API keys",
	"getKey":                       "Get the description of an API key",
	"revokeKey":                    "Revoke an API key",
	"listAudit":                    "List audited actions",
	"search":                       "Find things by what people know of them",
	"getStats":                     "Measure the backlog",
	"getSeries":                    "Count attempts over time",
	"listSubscriptionStats":        "List subscriptions with their figures",
	"getMetrics":                   "Read the metrics in the form of Prometheus",
	"getHealth":                    "Ask whether the process lives",
	"getReadiness":                 "Ask whether requests should come here",
}

// parameters describes the query parameters by name, or by operation and name where a name means several things.
var parameters = map[string]openapi.Parameter{
	"tenant":          {Of: "", Description: "Of this tenant alone.", Example: "acme"},
	"type":            {Of: "", Description: "The event type, exactly.", Example: "order.paid"},
	"event_type":      {Of: "", Description: "The event type, exactly.", Example: "order.paid"},
	"idempotency_key": {Of: "", Description: "Exactly. Needs `tenant`, in which it is unique."},
	"since":           {Of: client.Timestamp{}, Description: "At this time or later.", Example: exampleTime},
	"until":           {Of: client.Timestamp{}, Description: "Before this time.", Example: exampleTime},
	"limit":           {Of: 0, Description: "The most items on a page, 1 to 200; default 50.", Example: models.DefaultPageLimit},
	"cursor":          {Of: "", Description: "The `next_cursor` of the page before."},
	"subscription_id": {Of: "", Description: "Of this subscription alone.", Example: exampleSubscription.ID},
	"error_class":     {Of: client.ErrorClass(""), Description: "Whose last attempt failed with this class of error. Needs `subscription_id`.", Example: client.ErrorStatus},
	"code":            {Of: 0, Description: "Whose last attempt was answered with this status. Needs `error_class`.", Example: 503},
	"event_id":        {Of: "", Description: "Of this event alone.", Example: exampleEvent.ID},
	"cancel":          {Of: false, Description: "Cancel its open deliveries; without it, an open delivery makes the call fail."},
	"run_id":          {Of: "", Description: "The run in Temporal; absent: the newest."},
	"workflow_id":     {Of: "", Description: "The workflow's id in Temporal.", Example: "event/" + exampleEvent.ID},
	"action":          {Of: "", Description: "The action, exactly.", Example: "delivery.cancel"},
	"subject":         {Of: "", Description: "The id of what was acted on.", Example: exampleDelivery.ID},
	"by":              {Of: "", Description: "The name of who acted, exactly."},
	"key":             {Of: "", Description: "The id of an API key, or `root`."},
	"step":            {Of: client.Duration(0), Description: "The length of a point: 1m, 5m, 15m, 1h, 6h or 24h; absent: the shortest with at most 120 points.", Example: "1h"},
	"group_by":        {Of: "", Description: "`subscription` or `type`: a series of each; absent: one series.", Example: "subscription"},

	"sort": {Of: "", Description: "`worst` (the default), `attempts`, `p95` or `name`.", Example: "worst"},
	"q":    {Of: "", Description: "An id, an idempotency key, a value of metadata, or the beginning of an event type, of a name or of a host.", Example: "order-42"},

	"listSubscriptions.status":     {Of: client.SubscriptionStatus(""), Description: "With this status alone."},
	"listSubscriptionStats.status": {Of: client.SubscriptionStatus(""), Description: "With this status alone."},
	"listSubscriptionStats.q":      {Of: "", Description: "A part of the name or of the receiver.", Example: "billing"},
	"listDeliveries.status":        {Of: client.DeliveryStatus(""), Description: "With this status alone."},
	"listRecoveries.status":        {Of: client.RecoveryStatus(""), Description: "With this status alone."},
	"listWorkflows.since":          {Of: client.Timestamp{}, Description: "Started at this time or later.", Example: exampleTime},
}

// requiredParameters are the query parameters without which a call is refused.
var requiredParameters = map[string][]string{"getWorkflowHistory": {"workflow_id", "run_id"}, "search": {"q"}}
