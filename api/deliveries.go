package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

const (
	maxReason = 500   // bytes of the reason for a cancellation
	byAPI     = "api" // who asked, as the workflow's history will have it
)

func deliveryID(d *models.Delivery) string { return d.ID }

// listDeliveries handles GET /v1/deliveries.
func (s *server) listDeliveries(c *gin.Context) {
	filter, err := deliveryFilter(readQuery(c))
	if err != nil {
		fail(c, err)
		return
	}
	found, err := s.Store.Deliveries(c.Request.Context(), filter)
	if err != nil {
		fail(c, fmt.Errorf("list deliveries: %w", err))
		return
	}
	reply(c, http.StatusOK, newPage(found, filter.Page, deliveryID, s.deliveryView))
}

func deliveryFilter(q *query) (models.DeliveryFilter, error) {
	filter := models.DeliveryFilter{
		Tenant:         q.tenant(),
		SubscriptionID: q.id("subscription_id", models.SubscriptionPrefix),
		EventID:        q.id("event_id", models.EventPrefix),
		Status:         choice(q, "status", models.DeliveryStatuses()...),
		Since:          q.time("since"),
		Page:           q.page(models.DeliveryPrefix),
	}
	return filter, q.err
}

// getDelivery handles GET /v1/deliveries/{id}.
func (s *server) getDelivery(c *gin.Context) {
	delivery, err := s.delivery(c)
	if err != nil {
		fail(c, err)
		return
	}
	reply(c, http.StatusOK, s.deliveryView(delivery))
}

// delivery finds the delivery that the path names.
func (s *server) delivery(c *gin.Context) (*models.Delivery, error) {
	id, err := pathID(c, "delivery", models.DeliveryPrefix)
	if err != nil {
		return nil, err
	}
	delivery, err := s.Store.Delivery(c.Request.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("get delivery: %w", err)
	}
	return delivery, nil
}

// listAttempts handles GET /v1/deliveries/{id}/attempts.
func (s *server) listAttempts(c *gin.Context) {
	delivery, err := s.delivery(c)
	if err != nil {
		fail(c, err)
		return
	}
	views, err := s.attempts(c.Request.Context(), delivery)
	if err != nil {
		fail(c, fmt.Errorf("list attempts: %w", err))
		return
	}
	reply(c, http.StatusOK, page[attemptView]{Data: views})
}

// attempts shows each attempt with the body it sent: made again, because it is the same every time and so not kept.
func (s *server) attempts(ctx context.Context, delivery *models.Delivery) ([]attemptView, error) {
	event, err := s.Store.Event(ctx, delivery.EventID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.Store.Attempts(ctx, delivery.ID)
	if err != nil {
		return nil, err
	}
	body := string(models.Body(event, delivery))
	views := make([]attemptView, len(attempts))
	for i, attempt := range attempts {
		views[i] = newAttemptView(attempt, body)
	}
	return views, nil
}

// cancelInput may be left out altogether.
type cancelInput struct {
	Reason string `json:"reason"`
}

func (in cancelInput) validate() error {
	if len(in.Reason) > maxReason {
		return models.Invalid("reason", "is %d bytes long; at most %d are allowed", len(in.Reason), maxReason)
	}
	if strings.ContainsRune(in.Reason, 0) { // which Postgres cannot store
		return models.Invalid("reason", "holds a character that is not allowed")
	}
	return nil
}

// cancelDelivery handles POST /v1/deliveries/{id}/cancel.
func (s *server) cancelDelivery(c *gin.Context) {
	var in cancelInput
	if err := readOptionalJSON(c, &in); err != nil {
		fail(c, err)
		return
	}
	if err := in.validate(); err != nil {
		fail(c, err)
		return
	}
	s.steer(c, func(ctx context.Context, id string) error { return s.Deliveries.Cancel(ctx, id, in.Reason, byAPI) })
}

// redeliverDelivery handles POST /v1/deliveries/{id}/redeliver: the next attempt is made now.
func (s *server) redeliverDelivery(c *gin.Context) {
	if err := readOptionalJSON(c, &struct{}{}); err != nil {
		fail(c, err)
		return
	}
	s.steer(c, func(ctx context.Context, id string) error { return s.Deliveries.Redeliver(ctx, id, byAPI) })
}

// steer asks something of the path's delivery, which must be open, and answers with the delivery as it was when asked.
func (s *server) steer(c *gin.Context, ask func(ctx context.Context, id string) error) {
	delivery, err := s.delivery(c)
	if err != nil {
		fail(c, err)
		return
	}
	if delivery.Status.Closed() {
		fail(c, models.Errorf(models.CodeConflict, "the delivery is %s; only a pending one can be steered", delivery.Status))
		return
	}
	if err := ask(c.Request.Context(), delivery.ID); err != nil {
		fail(c, fmt.Errorf("steer delivery %s: %w", delivery.ID, err))
		return
	}
	reply(c, http.StatusAccepted, s.deliveryView(delivery))
}
