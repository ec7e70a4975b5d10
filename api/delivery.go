package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// DeliveryStore finds deliveries and their attempts; see [Store].
type DeliveryStore interface {
	Delivery(ctx context.Context, id string) (*models.Delivery, error)
	Deliveries(ctx context.Context, filter models.DeliveryFilter) ([]*models.Delivery, error)
	CountDeliveries(ctx context.Context, selection models.Selection) (int, error)
	Attempts(ctx context.Context, deliveryID string) ([]*models.Attempt, error)
}

func deliveryID(d *models.Delivery) string { return d.ID }

// listDeliveries handles GET /v1/deliveries.
func (s *server) listDeliveries(c *gin.Context) error {
	filter, err := deliveryFilter(readQuery(c))
	if err != nil {
		return err
	}
	found, err := s.Store.Deliveries(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	show, err := s.showDeliveries(c.Request.Context(), found...)
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	return reply(c, http.StatusOK, newPage(found, filter.Page, deliveryID, show))
}

// showDeliveries returns the function that shows each of the deliveries: of all at once, for the sake of their receivers.
func (s *server) showDeliveries(ctx context.Context, all ...*models.Delivery) (func(*models.Delivery) client.Delivery, error) {
	ids := make([]string, len(all))
	for i, delivery := range all {
		ids[i] = delivery.SubscriptionID
	}
	slices.Sort(ids)
	urls, err := s.Store.SubscriptionURLs(ctx, slices.Compact(ids))
	return func(d *models.Delivery) client.Delivery { return s.showDelivery(d, urls[d.SubscriptionID]) }, err
}

func deliveryFilter(q *query) (models.DeliveryFilter, error) {
	filter := models.DeliveryFilter{
		Tenant:         q.tenant(),
		SubscriptionID: q.id("subscription_id", models.SubscriptionPrefix),
		EventID:        q.id("event_id", models.EventPrefix),
		EventType:      q.eventType("event_type"),
		Status:         choice(q, "status", models.DeliveryStatuses()...),
		Class:          choice(q, "error_class", models.ErrorClasses()...),
		Code:           q.code(),
		Page:           q.page(models.DeliveryPrefix),
	}
	switch {
	case filter.Class != "" && filter.SubscriptionID == "":
		q.refuse(models.Invalid("subscription_id", "is required beside error_class"))
	case filter.Code != 0 && filter.Class == "":
		q.refuse(models.Invalid("error_class", "is required beside code"))
	}
	filter.Since, filter.Until = q.span()
	return filter, q.err
}

// getDelivery handles GET /v1/deliveries/{id}.
func (s *server) getDelivery(c *gin.Context) error {
	delivery, err := s.delivery(c)
	if err != nil {
		return err
	}
	show, err := s.showDeliveries(c.Request.Context(), delivery)
	if err != nil {
		return fmt.Errorf("get delivery: %w", err)
	}
	return reply(c, http.StatusOK, show(delivery))
}

// delivery finds the delivery that the path names.
func (s *server) delivery(c *gin.Context) (*models.Delivery, error) {
	return find(c, "delivery", models.DeliveryPrefix, s.Store.Delivery)
}

// listAttempts handles GET /v1/deliveries/{id}/attempts.
func (s *server) listAttempts(c *gin.Context) error {
	delivery, err := s.delivery(c)
	if err != nil {
		return err
	}
	shown, err := s.attempts(c, delivery)
	if err != nil {
		return fmt.Errorf("list attempts: %w", err)
	}
	return reply(c, http.StatusOK, client.Page[client.Attempt]{Data: shown})
}

// attempts shows each attempt with the body it sent: made again, because it is the same every time and so not kept.
func (s *server) attempts(c *gin.Context, delivery *models.Delivery) ([]client.Attempt, error) {
	ctx := c.Request.Context()
	event, err := s.Store.Event(ctx, delivery.EventID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.Store.Attempts(ctx, delivery.ID)
	if err != nil {
		return nil, err
	}
	body := string(models.Body(event, delivery))
	shown := make([]client.Attempt, len(attempts))
	for i, attempt := range attempts {
		shown[i] = showAttempt(attempt, body)
		if !who(c).holds(models.ScopeReadPayloads) {
			leaveOutPayloads(&shown[i])
		}
	}
	return shown, nil
}

// cancelDelivery handles POST /v1/deliveries/{id}/cancel.
func (s *server) cancelDelivery(c *gin.Context) error {
	return s.signal(c, models.ActCancel, func(ctx context.Context, delivery *models.Delivery, why models.Why) error {
		return s.Control.Cancel(ctx, delivery, why, 0)
	})
}

// redeliverDelivery handles POST /v1/deliveries/{id}/redeliver: a further attempt is made now.
func (s *server) redeliverDelivery(c *gin.Context) error {
	return s.signal(c, models.ActRedeliver, func(ctx context.Context, delivery *models.Delivery, why models.Why) error {
		epoch, err := s.Store.Epoch(ctx, delivery.Tenant)
		if err != nil {
			return err
		}
		return s.Control.Redeliver(ctx, delivery, why, "", epoch)
	})
}

// signal asks for an act of the path's delivery, if its state allows it, and answers with the delivery as it was when asked.
func (s *server) signal(
	c *gin.Context, act models.Act, ask func(context.Context, *models.Delivery, models.Why) error,
) error {
	delivery, err := s.delivery(c)
	if err != nil {
		return err
	}
	why, err := readWhy(c)
	if err != nil {
		return err
	}
	if err := s.allows(c.Request.Context(), delivery, act); err != nil {
		return err
	}
	show, err := s.showDeliveries(c.Request.Context(), delivery)
	if err != nil {
		return fmt.Errorf("signal delivery %s: %w", delivery.ID, err)
	}
	ctx, cancel := temporal(c)
	defer cancel()
	if err := ask(ctx, delivery, why); err != nil {
		return fmt.Errorf("signal delivery %s: %w", delivery.ID, err)
	}
	return reply(c, http.StatusAccepted, show(delivery))
}

// allows returns nil if the act would have an effect on the delivery, and otherwise why it would not.
func (s *server) allows(ctx context.Context, delivery *models.Delivery, act models.Act) error {
	subscription, err := s.Store.Subscription(ctx, delivery.SubscriptionID)
	switch {
	case models.ErrorCode(err) == models.CodeNotFound:
		return delivery.Allows(act, "")
	case err != nil:
		return fmt.Errorf("get subscription: %w", err)
	default:
		return delivery.Allows(act, subscription.Status)
	}
}

// shownStatus returns the status to show, which is held also while Temporal alone keeps a pending delivery from going.
func shownStatus(d *models.Delivery) client.DeliveryStatus {
	if d.Status == models.DeliveryPending && d.Halted != "" {
		return client.Held
	}
	return client.DeliveryStatus(d.Status)
}

// nextAttempt returns the time of the next attempt, which is zero unless the delivery is pending: a held delivery keeps
// the time, but makes no attempt then.
func nextAttempt(d *models.Delivery) client.Timestamp {
	if shownStatus(d) != client.Pending {
		return client.Timestamp{}
	}
	return stamp(d.NextAttemptAt)
}

// showSummary is a delivery in the answer about its event.
func showSummary(d *models.Delivery) client.DeliverySummary {
	return client.DeliverySummary{
		ID: d.ID, SubscriptionID: d.SubscriptionID, Status: shownStatus(d),
		Attempts: d.Attempts, NextAttemptAt: nextAttempt(d),
	}
}

// showDelivery is a delivery to the receiver at the address, which is empty where it is not known any more.
func (s *server) showDelivery(d *models.Delivery, address string) client.Delivery {
	return client.Delivery{
		ID: d.ID, Tenant: d.Tenant, EventID: d.EventID, EventType: d.EventType, SubscriptionID: d.SubscriptionID,
		Receiver: models.ReceiverOf(address), Status: shownStatus(d), Attempts: d.Attempts, NextAttemptAt: nextAttempt(d),
		FailingSince: stamp(d.FailingSince), LastError: d.LastError, ErrorClass: client.ErrorClass(d.LastClass), Code: d.LastCode, Reason: cmp.Or(d.Reason, d.Halted),
		CreatedAt: stamp(d.CreatedAt), UpdatedAt: stamp(d.UpdatedAt), Links: s.deliveryLinks(d),
	}
}

// leaveOutPayloads leaves the names of the headers alone.
func leaveOutPayloads(a *client.Attempt) {
	a.Request = client.Request{Headers: namesAlone(a.Request.Headers)}
	if a.Response != nil {
		a.Response.Headers, a.Response.Body = namesAlone(a.Response.Headers), ""
	}
}

func namesAlone(header http.Header) http.Header {
	names := make(http.Header, len(header))
	for name := range header {
		names[name] = []string{}
	}
	return names
}

func showAttempt(a *models.Attempt, body string) client.Attempt {
	shown := client.Attempt{
		Number: a.Number, StartedAt: stamp(a.StartedAt), URL: a.URL,
		Request: client.Request{Headers: redactHeader(a.RequestHeaders), Body: body},
		Timing: client.Timing{
			DNS: milliseconds(a.Timing.DNS), Connect: milliseconds(a.Timing.Connect), TLS: milliseconds(a.Timing.TLS),
			FirstByte: milliseconds(a.Timing.FirstByte), Total: milliseconds(a.Timing.Total),
		},
		ErrorClass: client.ErrorClass(a.ErrorClass), Error: a.Error,
	}
	if a.Status != 0 {
		shown.Response = &client.Response{
			Status: a.Status, Headers: redactHeader(a.Header), Body: string(a.Body), BodyCut: a.Cut,
		}
	}
	return shown
}
