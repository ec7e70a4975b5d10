package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// The examples tell one story: a shop publishes that an order is paid, a subscriber is away at first, and gets the event later.
var (
	exampleTime  = client.Timestamp{Time: time.Date(2026, time.November, 22, 1, 1, 26, 124e6, time.UTC)}
	exampleLater = client.Timestamp{Time: exampleTime.Add(30 * time.Minute)}
	exampleNext  = client.Timestamp{Time: exampleTime.Add(5 * time.Second)}

	exampleEvent = client.StoredEvent{
		ID: "evt_01m80cbcqc6bhfbs8t6yney1nc", Tenant: "acme", Type: "order.paid", Status: client.EventPlanned,
		Metadata: map[string]string{"origin": "shop"}, Matched: new(1), PlannedBy: "event/evt_01m80cbcqc6bhfbs8t6yney1nc",
		IdempotencyKey: "order-42-paid", CreatedAt: exampleTime, Data: json.RawMessage(`{"order":42,"total":"19.90"}`),
		Deliveries: []client.DeliverySummary{{
			ID: exampleDelivery.ID, SubscriptionID: exampleSubscription.ID, Status: client.Pending, Attempts: 1, NextAttemptAt: exampleNext,
		}},
		Links: client.Links{Self: "/v1/events/evt_01m80cbcqc6bhfbs8t6yney1nc", Deliveries: "/v1/deliveries?event_id=evt_01m80cbcqc6bhfbs8t6yney1nc"},
	}
	exampleSubscription = client.Subscription{
		ID: "sub_01m80cbcpzsjksgddnef2zh1y1", Tenant: "acme", Name: "billing", URL: "https://billing.example.com/hooks",
		EventTypes: []string{"order.*"}, Headers: map[string]string{}, ForwardHeaders: []string{"*"},
		Properties: map[string]json.RawMessage{"region": json.RawMessage(`"eu"`)}, Signature: client.SignatureStandard,
		Payload: client.PayloadEnvelope, Timeout: client.Duration(15 * time.Second),
		RetrySchedule: []client.Duration{client.Duration(5 * time.Second), client.Duration(5 * time.Minute), client.Duration(30 * time.Minute)},
		Status:        client.SubscriptionActive, CreatedAt: exampleTime, UpdatedAt: exampleTime,
		Links: client.Links{Self: "/v1/subscriptions/sub_01m80cbcpzsjksgddnef2zh1y1", Deliveries: "/v1/deliveries?subscription_id=sub_01m80cbcpzsjksgddnef2zh1y1"},
	}
	exampleDelivery = client.Delivery{
		ID: "dlv_01m80cbcqtq2w1v7h3k9m5d8xz", Tenant: "acme", EventID: "evt_01m80cbcqc6bhfbs8t6yney1nc", EventType: "order.paid",
		SubscriptionID: "sub_01m80cbcpzsjksgddnef2zh1y1", Receiver: "billing.example.com", Status: client.Pending, Attempts: 1,
		NextAttemptAt: exampleNext, FailingSince: exampleTime, ErrorClass: client.ErrorStatus, Code: 503, LastError: "status 503", CreatedAt: exampleTime, UpdatedAt: exampleTime,
		Links: client.Links{Self: "/v1/deliveries/dlv_01m80cbcqtq2w1v7h3k9m5d8xz", Attempts: "/v1/deliveries/dlv_01m80cbcqtq2w1v7h3k9m5d8xz/attempts"},
	}
	exampleRun = client.Run{
		ID: "0199c8f2-6b0e-7c5a-9d43-2f6c1e8b7a90", Status: "Completed", StartedAt: exampleTime, ClosedAt: exampleLater,
		Links: client.Links{History: "/v1/deliveries/dlv_01m80cbcqtq2w1v7h3k9m5d8xz/history?run_id=0199c8f2-6b0e-7c5a-9d43-2f6c1e8b7a90"},
	}
	examplePlan = client.RecoveryPlan{
		Tenant: "acme", SubscriptionID: exampleSubscription.ID, Recovers: client.RecoverExhausted, Since: exampleTime, Until: exampleLater,
		Rate: 50, By: "Jo Lindqvist", Reason: "the shop is back", Total: 128,
	}
	exampleSource = client.Source{
		ID: "src_06h02ralpndko7npvmht2q1upa0m74nei2h0", Tenant: "acme", Name: "Shop repository", Provider: "github",
		URL:         "https://hooks.example.com/in/src_06h02ralpndko7npvmht2q1upa0m74nei2h0",
		Credentials: client.Credentials{Count: 1}, PublicURL: "https://hooks.example.com", Status: client.SourceActive,
		CreatedAt: exampleTime, UpdatedAt: exampleTime, Links: client.Links{Self: "/v1/sources/src_06h02ralpndko7npvmht2q1upa0m74nei2h0"},
	}
	exampleTenant = client.TenantFields{DeliveryMode: "inline", MaxSubscriptions: 50, PublishRate: 200}
	exampleBulk   = client.Bulk{
		EventID: exampleEvent.ID, Deliveries: 1, Links: client.Links{Deliveries: "/v1/deliveries?event_id=evt_01m80cbcqc6bhfbs8t6yney1nc"},
	}
	exampleProblem = client.Problem{
		Type: "about:blank", Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest, Code: client.CodeInvalid,
		Detail: "type is required", Field: "type",
	}
)

// examples are the examples of bodies and answers, by their types.
var examples = byType(
	client.Event{
		Tenant: "acme", Type: "order.paid", Data: exampleEvent.Data, Metadata: exampleEvent.Metadata, IdempotencyKey: "order-42-paid",
	},
	client.Published{
		ID: exampleEvent.ID, Tenant: "acme", Type: "order.paid", CreatedAt: exampleTime, Links: exampleEvent.Links,
	},
	client.BatchRequest{Events: []client.Event{
		{Type: "order.paid", Data: json.RawMessage(`{"order":42}`), IdempotencyKey: "order-42-paid"},
		{Type: "order.paid", Data: json.RawMessage(`{"order":43}`), IdempotencyKey: "order-43-paid"},
	}},
	client.BatchAnswer{Results: []client.BatchItem{{ID: exampleEvent.ID, Duplicate: new(false)}, {Error: &exampleProblem}}},
	exampleEvent,
	client.SubscriptionFields{
		Tenant: "acme", Name: new("billing"), URL: exampleSubscription.URL, EventTypes: exampleSubscription.EventTypes,
		Properties: exampleSubscription.Properties,
	},
	exampleSubscription,
	client.SigningKey{Secret: exampleSecret},
	client.VerifyingKeys{PublicKey: examplePublicKey, PublicKeys: []string{examplePublicKey}},
	client.Rotation{Grace: new(client.Duration(time.Hour))},
	client.Rotated{Secret: exampleSecret, PreviousExpiresAt: []client.Timestamp{exampleLater}, SignWith: "all"},
	exampleDelivery,
	client.Attempt{
		Number: 1, StartedAt: exampleTime, URL: exampleSubscription.URL,
		Request: client.Request{
			Headers: http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {exampleEvent.ID}},
			Body:    `{"type":"order.paid","timestamp":"2026-11-22T01:01:26.124Z","data":{"order":42,"total":"19.90"}}`,
		},
		Response:   &client.Response{Status: http.StatusServiceUnavailable, Headers: http.Header{"Content-Type": {"text/plain"}}, Body: "back soon"},
		Timing:     client.Timing{DNS: 1.2, Connect: 8.4, TLS: 17.3, FirstByte: 41.8, Total: 42.1},
		ErrorClass: client.ErrorStatus, Error: "status 503",
	},
	exampleRun,
	client.WorkflowRun{WorkflowID: "event/" + exampleEvent.ID, Type: "DeliverEvents", Run: exampleRun},
	client.ActionRequest{Reason: "the shop is closed"},
	client.JobRequest{Rate: 50, Reason: "the shop is back"},
	exampleBulk,
	client.Cancellation{Bulk: exampleBulk},
	client.RecoveryRequest{SubscriptionID: exampleSubscription.ID, Since: exampleTime.Time, Rate: 50, Reason: "the shop is back"},
	client.Recovery{
		ID: "rcv_01m80cbd2k5w7r9h3n8q2z6j4f", Status: client.RecoveryRunning, RecoveryPlan: examplePlan, Done: 12,
		CreatedAt: exampleLater, UpdatedAt: exampleLater, Links: client.Links{Self: "/v1/recoveries/rcv_01m80cbd2k5w7r9h3n8q2z6j4f"},
	},
	client.RecoveryDryRun{DryRun: true, RecoveryPlan: examplePlan},
	client.SourceFields{
		Name: new("Shop repository"), Provider: "github", Credentials: []client.Credential{{Secret: "what we set at GitHub"}}, //nolint:gosec // none
		PublicURL: "https://hooks.example.com",
	},
	exampleSource,
	client.Provider{
		Name: "github", Credentials: []string{"the secret of the webhook"}, SendsDeliveryID: true, Settings: json.RawMessage(`{}`),
	},
	exampleTenant,
	client.Tenant{
		Name: "acme", TenantFields: exampleTenant, Subscriptions: client.Count{Count: 3}, Events: client.Count{Count: 10_000, More: true},
		UpdatedAt: exampleTime, Links: client.Links{Self: "/v1/tenants/acme"},
	},
	client.Erasure{
		ID: "ers_01m80cbd2k5w7r9h3n8q2z6j4f", Tenant: "acme", By: "Jo Lindqvist", CreatedAt: exampleTime, Events: 1200, Deliveries: 2400, Attempts: 2500,
		Links: client.Links{Self: "/v1/erasures/ers_01m80cbd2k5w7r9h3n8q2z6j4f"},
	},
	client.APIKeyFields{Name: "shop backend", Scopes: []client.Scope{client.ScopePublish, client.ScopeReadEvents}, Tenant: "acme"},
	client.APIKey{
		ID: "key_01m80cbd2k5w7r9h3n8q2z6j4f", Name: "shop backend", Prefix: "phk_Qm9vYmFy", Tenant: "acme",
		Scopes: []client.Scope{client.ScopePublish, client.ScopeReadEvents}, CreatedBy: "Jo Lindqvist", CreatedWith: models.RootKey,
		CreatedAt: exampleTime, LastUsedAt: exampleLater, Links: client.Links{Self: "/v1/keys/key_01m80cbd2k5w7r9h3n8q2z6j4f"},
	},
	client.AuditEntry{
		ID: "aud_01m80cbd2k5w7r9h3n8q2z6j4f", At: exampleLater, Tenant: "acme", Action: "subscription.resume",
		Subject: exampleSubscription.ID, By: "Jo Lindqvist", Key: models.RootKey, Reason: "the shop is back",
	},
	client.Stats{Backlog: client.Backlog{Events: 2, OldestAt: exampleTime, Age: client.Duration(1500 * time.Millisecond)}},
	client.Series{
		Since: exampleTime, Until: exampleLater, Step: client.Duration(time.Hour),
		Groups: []client.SeriesGroup{{Points: []client.SeriesPoint{{
			At: exampleTime, Attempts: 1042, Succeeded: 1019, Failed: map[client.ErrorClass]int64{client.ErrorStatus: 20, client.ErrorTimeout: 3},
			Exhausted: 2, P50: 33.955, P95: 139.079, P99: 569.669,
		}}}},
	},
	client.SubscriptionStatsPage{
		Page: client.Page[client.SubscriptionStats]{Data: []client.SubscriptionStats{{
			ID: exampleSubscription.ID, Tenant: "acme", Name: "billing", Receiver: "billing.example.com", Status: client.SubscriptionActive,
			Attempts: 1042, Succeeded: 1019, Failed: map[client.ErrorClass]int64{client.ErrorStatus: 20, client.ErrorTimeout: 3}, Exhausted: 2,
			P50: 33.955, P95: 139.079, P99: 569.669, LastSuccessAt: exampleLater, LastFailureAt: exampleTime, Pending: client.Count{Count: 4},
			DeadLetters: client.Count{Count: 2}, Points: []client.SparkPoint{{At: exampleTime, Attempts: 1042, Succeeded: 1019}},
			Links: exampleSubscription.Links,
		}}},
		Since: exampleTime, Until: exampleLater, Step: client.Duration(time.Hour),
	},
	client.SearchHit{
		Kind: "event", ID: exampleEvent.ID, Tenant: "acme", By: "idempotency_key", Value: "order-42-paid", Links: exampleEvent.Links,
	},
	client.Health{Status: "ok", Version: "1.0.0"},
	client.Readiness{
		Health: client.Health{Status: "ready", Version: "1.0.0"},
		Parts:  client.Parts{Store: client.PartReady, Temporal: client.PartReady, Disk: client.PartReady},
	},
)

// The examples of secrets are no secrets.
const (
	exampleSecret    = "whsec_YW4gZXhhbXBsZSwgYW5kIG5vIHNlY3JldA==" //nolint:gosec // it says so itself
	examplePublicKey = "whpk_YW4gZXhhbXBsZSwgYW5kIG5vIHB1YmxpYyBrZXkhISE="
)

func byType(values ...any) map[reflect.Type]any {
	all := make(map[reflect.Type]any, len(values))
	for _, value := range values {
		all[reflect.TypeOf(value)] = value
	}
	return all
}
