package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/posthaste/posthaste/models"
)

// publishedView answers a publication.
type publishedView struct {
	ID        string    `json:"id"`
	Tenant    string    `json:"tenant"`
	Type      string    `json:"type"`
	CreatedAt timestamp `json:"created_at"`
	Duplicate bool      `json:"duplicate"`
	Links     links     `json:"links"`
}

func (s *server) publishedView(created models.Created) publishedView {
	e := created.Event
	return publishedView{
		ID: e.ID, Tenant: e.Tenant, Type: e.Type, CreatedAt: timestamp(e.CreatedAt),
		Duplicate: created.Duplicate, Links: s.eventLinks(e),
	}
}

// batchResult has either the first two or the last.
type batchResult struct {
	ID        string   `json:"id,omitempty"`
	Duplicate *bool    `json:"duplicate,omitempty"`
	Error     *problem `json:"error,omitempty"`
}

// eventView is an event in a list: without its data, which would make the size of a page unforeseeable.
type eventView struct {
	ID             string             `json:"id"`
	Tenant         string             `json:"tenant"`
	Type           string             `json:"type"`
	Status         models.EventStatus `json:"status"`
	Metadata       map[string]string  `json:"metadata,omitempty"`
	Matched        *int               `json:"matched,omitempty"` // how many deliveries it has, 0 too; left out until it is planned
	IdempotencyKey string             `json:"idempotency_key,omitempty"`
	CreatedAt      timestamp          `json:"created_at"`
	Links          links              `json:"links"`
}

func (s *server) eventView(e *models.Event) eventView {
	view := eventView{
		ID: e.ID, Tenant: e.Tenant, Type: e.Type, Status: e.Status, Metadata: e.Metadata,
		IdempotencyKey: e.IdempotencyKey, CreatedAt: timestamp(e.CreatedAt), Links: s.eventLinks(e),
	}
	if e.Status == models.EventPlanned {
		view.Matched = &e.Deliveries
	}
	return view
}

// eventDetail is one event with its data, the request that it came with, if it is a webhook, and its newest deliveries.
// DeliveriesLink lists the rest, if there is one.
type eventDetail struct {
	eventView
	Data           json.RawMessage   `json:"data"`
	Request        *models.Received  `json:"request,omitempty"`
	Deliveries     []deliverySummary `json:"deliveries"`
	DeliveriesLink string            `json:"deliveries_link,omitempty"`
}

// deliverySummary is a delivery in the answer about its event.
type deliverySummary struct {
	ID             string                `json:"id"`
	SubscriptionID string                `json:"subscription_id"`
	Status         models.DeliveryStatus `json:"status"`
	Attempts       int                   `json:"attempts"`
	NextAttemptAt  timestamp             `json:"next_attempt_at,omitzero"`
}

func newDeliverySummary(d *models.Delivery) deliverySummary {
	return deliverySummary{
		ID: d.ID, SubscriptionID: d.SubscriptionID, Status: shownStatus(d),
		Attempts: d.Attempts, NextAttemptAt: nextAttempt(d),
	}
}

// shownStatus is held, too, of one that Temporal keeps from going although we do not.
func shownStatus(d *models.Delivery) models.DeliveryStatus {
	if d.Status == models.DeliveryPending && d.Halted != "" {
		return models.DeliveryHeld
	}
	return d.Status
}

// nextAttempt is zero unless the delivery is pending: a held delivery keeps the time, but makes no attempt then.
func nextAttempt(d *models.Delivery) timestamp {
	if shownStatus(d) != models.DeliveryPending {
		return timestamp{}
	}
	return timestamp(d.NextAttemptAt)
}

// deliveryView is a delivery.
type deliveryView struct {
	ID             string                `json:"id"`
	Tenant         string                `json:"tenant"`
	EventID        string                `json:"event_id"`
	EventType      string                `json:"event_type"`
	SubscriptionID string                `json:"subscription_id"`
	Receiver       string                `json:"receiver,omitempty"` // host of the subscription's URL; left out when it is deleted
	Status         models.DeliveryStatus `json:"status"`
	Attempts       int                   `json:"attempts"`
	NextAttemptAt  timestamp             `json:"next_attempt_at,omitzero"`
	FailingSince   timestamp             `json:"failing_since,omitzero"`
	LastError      string                `json:"last_error,omitempty"`
	Reason         string                `json:"reason,omitempty"`
	CreatedAt      timestamp             `json:"created_at"`
	UpdatedAt      timestamp             `json:"updated_at"`
	Links          links                 `json:"links"`
}

// deliveryView shows a delivery to the receiver at the address, which is empty where it is not known any more.
func (s *server) deliveryView(d *models.Delivery, address string) deliveryView {
	return deliveryView{
		ID: d.ID, Tenant: d.Tenant, EventID: d.EventID, EventType: d.EventType, SubscriptionID: d.SubscriptionID,
		Receiver: hostOf(address), Status: shownStatus(d), Attempts: d.Attempts, NextAttemptAt: nextAttempt(d),
		FailingSince: timestamp(d.FailingSince), LastError: d.LastError, Reason: cmp.Or(d.Reason, d.Halted),
		CreatedAt: timestamp(d.CreatedAt), UpdatedAt: timestamp(d.UpdatedAt), Links: s.deliveryLinks(d),
	}
}

// hostOf is the host of a URL that was valid when it was stored.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Host
}

// attemptView is one attempt. Response is null when no answer came.
type attemptView struct {
	Number     int               `json:"number"`
	StartedAt  timestamp         `json:"started_at"`
	URL        string            `json:"url"`
	Request    requestView       `json:"request"`
	Response   *responseView     `json:"response"`
	Timing     timingView        `json:"timing"`
	ErrorClass models.ErrorClass `json:"error_class,omitempty"`
	Error      string            `json:"error,omitempty"`
}

type requestView struct {
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}

type responseView struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
	BodyCut bool        `json:"body_cut"`
}

// timingView is in milliseconds; a part that did not happen is 0.
type timingView struct {
	DNS       float64 `json:"dns_ms"`
	Connect   float64 `json:"connect_ms"`
	TLS       float64 `json:"tls_ms"`
	FirstByte float64 `json:"first_byte_ms"`
	Total     float64 `json:"total_ms"`
}

func newAttemptView(a *models.Attempt, body string) attemptView {
	view := attemptView{
		Number: a.Number, StartedAt: timestamp(a.StartedAt), URL: a.URL,
		Request: requestView{Headers: redactHeader(a.RequestHeaders), Body: body},
		Timing: timingView{
			DNS: milliseconds(a.Timing.DNS), Connect: milliseconds(a.Timing.Connect), TLS: milliseconds(a.Timing.TLS),
			FirstByte: milliseconds(a.Timing.FirstByte), Total: milliseconds(a.Timing.Total),
		},
		ErrorClass: a.ErrorClass, Error: a.Error,
	}
	if a.Status != 0 {
		view.Response = &responseView{
			Status: a.Status, Headers: redactHeader(a.Header), Body: string(a.Body), BodyCut: a.Cut,
		}
	}
	return view
}

// subscriptionView is a subscription, without its secret and with credentials in its headers redacted.
type subscriptionView struct {
	ID             string                     `json:"id"`
	Tenant         string                     `json:"tenant"`
	Name           string                     `json:"name"`
	URL            string                     `json:"url"`
	EventTypes     []string                   `json:"event_types"`
	Headers        map[string]string          `json:"headers"`
	ForwardHeaders []string                   `json:"forward_headers"` // the ones in force
	Properties     map[string]json.RawMessage `json:"properties"`
	Auth           *models.Auth               `json:"auth,omitempty"`
	TLS            *models.TLS                `json:"tls,omitempty"`
	Signature      models.Signature           `json:"signature"`
	Payload        models.Payload             `json:"payload"`
	Timeout        duration                   `json:"timeout"`
	RetrySchedule  []duration                 `json:"retry_schedule"` // the one in force
	Status         models.SubscriptionStatus  `json:"status"`
	ResumeRate     int                        `json:"resume_rate,omitempty"` // while held deliveries are being released
	PausedAt       timestamp                  `json:"paused_at,omitzero"`
	PausedBy       string                     `json:"paused_by,omitempty"`
	PausedReason   string                     `json:"paused_reason,omitempty"`
	Held           *int                       `json:"held,omitempty"` // deliveries, while it is paused or resumed; of one subscription only
	FailingSince   timestamp                  `json:"failing_since,omitzero"`
	DisabledReason string                     `json:"disabled_reason,omitempty"`
	SignWith       string                     `json:"sign_with,omitempty"` // during the grace of a rotation, as is the next
	PreviousExpiry []timestamp                `json:"previous_expires_at,omitempty"`
	CreatedAt      timestamp                  `json:"created_at"`
	UpdatedAt      timestamp                  `json:"updated_at"`
	Links          links                      `json:"links"`
}

func (s *server) subscriptionView(sub *models.Subscription) subscriptionView {
	now := s.Now()
	view := subscriptionView{
		ID: sub.ID, Tenant: sub.Tenant, Name: sub.Name, URL: sub.URL, EventTypes: sub.EventTypes,
		Headers: redactHeaders(sub.Headers), Properties: sub.Properties,
		Auth: redactAuth(sub.Auth), TLS: redactTLS(sub.TLS), Signature: sub.Signature, Payload: sub.Payload,
		Timeout: duration(sub.Timeout), Status: sub.Status, ResumeRate: sub.ResumeRate,
		DisabledReason: sub.DisabledReason, SignWith: signWith(sub, now), PreviousExpiry: previousExpiry(sub, now),
		PausedAt: timestamp(sub.PausedAt), PausedBy: sub.Paused.By, PausedReason: sub.Paused.Reason,
		CreatedAt: timestamp(sub.CreatedAt), UpdatedAt: timestamp(sub.UpdatedAt), Links: subscriptionLinks(sub),
	}
	if view.ForwardHeaders = sub.ForwardHeaders; view.ForwardHeaders == nil {
		view.ForwardHeaders = []string{models.MatchAll}
	}
	if view.Properties == nil {
		view.Properties = map[string]json.RawMessage{}
	}
	for _, delay := range sub.Schedule() {
		view.RetrySchedule = append(view.RetrySchedule, duration(delay))
	}
	return view
}

// createdSubscriptionView answers a creation: this once with what the receiver verifies with.
type createdSubscriptionView struct {
	subscriptionView
	receiverKey
}
