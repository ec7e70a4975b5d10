package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// EventStore keeps events and finds them; see [Store].
type EventStore interface {
	// CreateEvents stores the events in one commit and returns the result of each, in order. After an error none is
	// stored.
	CreateEvents(ctx context.Context, events []*models.Event) ([]models.Created, error)
	Event(ctx context.Context, id string) (*models.Event, error)
	Events(ctx context.Context, filter models.EventFilter) ([]*models.Event, error)
}

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
	return reply(c, http.StatusOK, newPage(found, filter.Page, func(e *models.Event) string { return e.ID }, s.showEvent))
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
	detail, err := s.showDetail(c, event)
	if err != nil {
		return fmt.Errorf("get event: %w", err)
	}
	return reply(c, http.StatusOK, detail)
}

// event finds the event that the path names.
func (s *server) event(c *gin.Context) (*models.Event, error) {
	return find(c, "event", models.EventPrefix, s.Store.Event)
}

// showDetail adds the event's data and the request that it came with, if the caller may read them, and as many deliveries as one page holds; a wide fan-out
// has 100,000.
func (s *server) showDetail(c *gin.Context, event *models.Event) (client.StoredEvent, error) {
	asked := models.Page{Limit: models.MaxPageLimit + 1}
	found, err := s.Store.Deliveries(c.Request.Context(), models.DeliveryFilter{EventID: event.ID, Page: asked})
	if err != nil {
		return client.StoredEvent{}, err
	}
	first := newPage(found, asked, deliveryID, showSummary)
	detail := s.showEvent(event)
	detail.Deliveries = first.Data
	if who(c).holds(models.ScopeReadPayloads) {
		detail.Data, detail.Request = event.Data, (*client.ReceivedRequest)(event.Received)
	}
	if first.NextCursor != "" {
		detail.DeliveriesLink = deliveriesPath(event.ID, first.NextCursor)
	}
	return detail, nil
}

// showEvent shows an event as in a list: without its data, which would make the size of a page unforeseeable.
func (s *server) showEvent(e *models.Event) client.StoredEvent {
	shown := client.StoredEvent{
		ID: e.ID, Tenant: e.Tenant, Type: e.Type, Status: client.EventStatus(e.Status), Metadata: e.Metadata,
		IdempotencyKey: e.IdempotencyKey, CreatedAt: stamp(e.CreatedAt), Links: s.eventLinks(e), PayloadRemoved: len(e.Data) == 0,
		Traceparent: e.Traceparent,
	}
	if e.Status == models.EventPlanned {
		shown.Matched, shown.PlannedBy = &e.Deliveries, e.WorkflowID()
	}
	return shown
}
