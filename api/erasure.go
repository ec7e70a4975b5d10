package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// ErasureStore erases; see [Store].
type ErasureStore interface {
	// EraseTenant has erased what is kept of the tenant; what is published afterwards stays.
	EraseTenant(ctx context.Context, tenant string, why models.Why) (*models.Erasure, error)
	// EraseEvent fails with CodeConflict while a delivery is open, unless cancel says to stop it.
	EraseEvent(ctx context.Context, event *models.Event, cancel bool, why models.Why) (*models.Erasure, error)
	Erasure(ctx context.Context, id string) (*models.Erasure, error)
}

// eraseTenant handles DELETE /v1/tenants/{tenant}.
func (s *server) eraseTenant(c *gin.Context) error {
	tenant := c.Param("tenant")
	if err := models.ValidateTenant(tenant); err != nil {
		return err
	}
	why, err := newWhy(c, "")
	if err != nil {
		return err
	}
	erasure, err := s.Store.EraseTenant(c.Request.Context(), tenant, why)
	if err != nil {
		return fmt.Errorf("erase tenant: %w", err)
	}
	return replyErasure(c, erasure)
}

// eraseEvent handles DELETE /v1/events/{id}.
func (s *server) eraseEvent(c *gin.Context) error {
	event, err := s.event(c)
	if err != nil {
		return err
	}
	q := readQuery(c)
	cancel := choice(q, "cancel", "true", "false") == "true"
	if q.err != nil {
		return q.err
	}
	why, err := newWhy(c, "")
	if err != nil {
		return err
	}
	erasure, err := s.Store.EraseEvent(c.Request.Context(), event, cancel, why)
	if err != nil {
		return fmt.Errorf("erase event: %w", err)
	}
	return replyErasure(c, erasure)
}

func replyErasure(c *gin.Context, e *models.Erasure) error {
	c.Header("Location", erasurePath(e.ID))
	return reply(c, http.StatusAccepted, showErasure(e))
}

// getErasure handles GET /v1/erasures/{id}.
func (s *server) getErasure(c *gin.Context) error {
	erasure, err := find(c, "erasure", models.ErasurePrefix, s.Store.Erasure)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, showErasure(erasure))
}

func showErasure(e *models.Erasure) client.Erasure {
	return client.Erasure{
		ID: e.ID, Tenant: e.Tenant, EventID: e.EventID, By: e.By, CreatedAt: stamp(e.CreatedAt), FinishedAt: stamp(e.FinishedAt),
		Events: e.Events, Deliveries: e.Deliveries, Attempts: e.Attempts, Workflows: e.Workflows,
		Links: client.Links{Self: erasurePath(e.ID)},
	}
}
