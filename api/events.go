package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// listEvents handles GET /v1/events.
func (s *server) listEvents(c *gin.Context) error {
	filter, err := eventFilter(readQuery(c))
	if err != nil {
		return err
	}
	found, err := s.Store.Events(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("list events: %w", err)
	}
	return reply(c, http.StatusOK, newPage(found, filter.Page, func(e *models.Event) string { return e.ID }, s.eventView))
}

func eventFilter(q *query) (models.EventFilter, error) {
	filter := models.EventFilter{Tenant: q.tenant(), Type: q.eventType("type"), IdempotencyKey: q.idempotencyKey()}
	if filter.IdempotencyKey != "" && filter.Tenant == "" {
		q.refuse(models.Invalid("tenant", "is required beside idempotency_key: each tenant has keys of its own"))
	}
	filter.Since, filter.Until = q.span()
	filter.Page = q.page(models.EventPrefix)
	return filter, q.err
}

// getEvent handles GET /v1/events/{id}.
func (s *server) getEvent(c *gin.Context) error {
	event, err := s.event(c)
	if err != nil {
		return err
	}
	detail, err := s.eventDetail(c.Request.Context(), event)
	if err != nil {
		return fmt.Errorf("get event: %w", err)
	}
	return reply(c, http.StatusOK, detail)
}

// event finds the event that the path names.
func (s *server) event(c *gin.Context) (*models.Event, error) {
	return find(c, "event", models.EventPrefix, s.Store.Event)
}

// eventDetail shows as many deliveries as one page holds; a wide fan-out has 100,000.
func (s *server) eventDetail(ctx context.Context, event *models.Event) (*eventDetail, error) {
	asked := models.Page{Limit: models.MaxPageLimit + 1}
	found, err := s.Store.Deliveries(ctx, models.DeliveryFilter{EventID: event.ID, Page: asked})
	if err != nil {
		return nil, err
	}
	shown := newPage(found, asked, deliveryID, newDeliverySummary)
	detail := &eventDetail{eventView: s.eventView(event), Data: event.Data, Request: event.Received, Deliveries: shown.Data}
	if shown.NextCursor != "" {
		detail.DeliveriesLink = deliveriesPath(event.ID, shown.NextCursor)
	}
	return detail, nil
}
