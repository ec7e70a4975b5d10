package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// listEvents handles GET /v1/events.
func (s *server) listEvents(c *gin.Context) {
	filter, err := eventFilter(readQuery(c))
	if err != nil {
		fail(c, err)
		return
	}
	found, err := s.Store.Events(c.Request.Context(), filter)
	if err != nil {
		fail(c, fmt.Errorf("list events: %w", err))
		return
	}
	reply(c, http.StatusOK, newPage(found, filter.Page, func(e *models.Event) string { return e.ID }, s.eventView))
}

func eventFilter(q *query) (models.EventFilter, error) {
	filter := models.EventFilter{
		Tenant: q.tenant(),
		Type:   q.eventType(),
		Since:  q.time("since"),
		Until:  q.time("until"),
		Page:   q.page(models.EventPrefix),
	}
	if q.err == nil && !filter.Until.IsZero() && !filter.Since.Before(filter.Until) {
		q.refuse(models.Invalid("until", "is not after since"))
	}
	return filter, q.err
}

// getEvent handles GET /v1/events/{id}.
func (s *server) getEvent(c *gin.Context) {
	id, err := pathID(c, "event", models.EventPrefix)
	if err != nil {
		fail(c, err)
		return
	}
	detail, err := s.eventDetail(c.Request.Context(), id)
	if err != nil {
		fail(c, fmt.Errorf("get event: %w", err))
		return
	}
	reply(c, http.StatusOK, detail)
}

// eventDetail shows as many deliveries as one page holds; a wide fan-out has 100,000.
func (s *server) eventDetail(ctx context.Context, id string) (*eventDetail, error) {
	event, err := s.Store.Event(ctx, id)
	if err != nil {
		return nil, err
	}
	asked := models.Page{Limit: models.MaxPageLimit + 1}
	found, err := s.Store.Deliveries(ctx, models.DeliveryFilter{EventID: id, Page: asked})
	if err != nil {
		return nil, err
	}
	shown := newPage(found, asked, deliveryID, newDeliverySummary)
	detail := &eventDetail{eventView: s.eventView(event), Data: event.Data, Deliveries: shown.Data}
	if shown.NextCursor != "" {
		detail.DeliveriesLink = deliveriesPath(id, shown.NextCursor)
	}
	return detail, nil
}
