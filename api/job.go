package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// StopStore stops much at once; see [Store].
type StopStore interface {
	// CancelTenant stops everything of the tenant that was accepted before, planned or not, and notes it in the audit.
	// CancelWaiting does that for a subscription, CancelEvent for an event.
	CancelTenant(ctx context.Context, tenant string, why models.Why) (*models.Stop, error)
	CancelWaiting(ctx context.Context, subscriptionID string, why models.Why) (*models.Stop, error)
	CancelEvent(ctx context.Context, eventID string, why models.Why) (*models.Stop, error)
	// LastStop returns the last cancellation of all waiting deliveries of a subscription, by hand or because it was disabled
	// or deleted.
	LastStop(ctx context.Context, tenant, subscriptionID string) (*models.Stop, error)
	// Epoch returns the tenant's epoch: a cancellation stops only redeliveries of earlier epochs.
	Epoch(ctx context.Context, tenant string) (int64, error)
}

// How long a call waits for Temporal: to answer it, and to start a job that would also be started later.
const (
	controlTimeout = 20 * time.Second
	startTimeout   = 5 * time.Second
)

// temporal returns the context of a call that needs Temporal. When it ends, the caller is told to try again.
func temporal(c *gin.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Request.Context(), controlTimeout)
}

// cancelEvent handles POST /v1/events/{id}/cancel: all of the event that is not delivered is
// cancelled, whether its deliveries are planned or not.
func (s *server) cancelEvent(c *gin.Context) error {
	event, err := s.event(c)
	if err != nil {
		return err
	}
	return s.cancelAll(c, event.ID, s.Store.CancelEvent)
}

// cancelWaiting handles POST /v1/subscriptions/{id}/cancel: all that was accepted for the subscription before stops.
func (s *server) cancelWaiting(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	return s.cancelAll(c, subscription.ID, s.Store.CancelWaiting)
}

// cancelTenant handles POST /v1/tenants/{tenant}/cancel: all that was accepted of the tenant before stops.
func (s *server) cancelTenant(c *gin.Context) error {
	tenant := c.Param("tenant")
	if err := models.ValidateTenant(tenant); err != nil {
		return err
	}
	if !who(c).sees(tenant) {
		return models.NotFound("tenant", tenant)
	}
	return s.cancelAll(c, tenant, s.Store.CancelTenant)
}

// cancelAll stores a stop, starts the job that closes the deliveries that it stopped, and says how many they are.
func (s *server) cancelAll(
	c *gin.Context, of string, stop func(ctx context.Context, of string, why models.Why) (*models.Stop, error),
) error {
	why, err := readWhy(c)
	if err != nil {
		return err
	}
	stored, err := stop(c.Request.Context(), of, why)
	if err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	s.start(c, stored.Job())
	return reply(c, http.StatusAccepted, client.Cancellation{
		Bulk: s.showJob(stored.Job(), stored.Deliveries), Events: stored.Events,
	})
}

// startStop starts the job that closes the waiting deliveries of a subscription that gets nothing any more.
func (s *server) startStop(c *gin.Context, sub *models.Subscription) {
	stop, err := s.Store.LastStop(c.Request.Context(), sub.Tenant, sub.ID)
	if err != nil { // a sweep starts it
		s.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "api.stop_not_read", slog.String("request_id", c.GetString(requestIDKey)),
			slog.String("subscription_id", sub.ID), slog.Any("error", err))
		return
	}
	s.start(c, stop.Job())
}

// redeliverEvent handles POST /v1/events/{id}/redeliver: a further attempt of all that is not held of the event.
func (s *server) redeliverEvent(c *gin.Context) error {
	event, err := s.plannedEvent(c)
	if err != nil {
		return err
	}
	rate, why, err := readRate(c, models.DefaultRate)
	if err != nil {
		return err
	}
	epoch, err := s.Store.Epoch(c.Request.Context(), event.Tenant)
	if err != nil {
		return fmt.Errorf("read epoch: %w", err)
	}
	return s.begin(c, models.AuditRedeliverEvent, models.Job{
		Action: models.JobRedeliver, Tenant: event.Tenant, Rate: rate, Why: why, Epoch: epoch,
		Selection: models.Selection{EventID: event.ID, Statuses: models.ActRedeliver.From()},
	})
}

// plannedEvent finds the event that the path names, whose deliveries must be planned: an action on the deliveries
// that it has would miss the others.
func (s *server) plannedEvent(c *gin.Context) (*models.Event, error) {
	event, err := s.event(c)
	if err == nil && event.Status == models.EventAccepted {
		return nil, models.Errorf(models.CodeConflict, "the deliveries of event %s are not planned yet; try again", event.ID)
	}
	return event, err
}

// begin starts the job and answers with how many deliveries it selects now. The audit comes first: an entry about a job
// that then fails to start does no harm, a job without its entry does.
func (s *server) begin(c *gin.Context, action models.AuditAction, job models.Job) error {
	ctx, cancel := temporal(c)
	defer cancel()
	count, err := s.Store.CountDeliveries(ctx, job.Selection)
	if err != nil {
		return fmt.Errorf("count deliveries: %w", err)
	}
	entry := models.AuditEntry{Tenant: job.Tenant, Action: action, Subject: job.Subject(), Why: job.Why}
	if err := s.Store.AddAudit(ctx, entry); err != nil {
		return fmt.Errorf("add audit entry: %w", err)
	}
	if err := s.Control.Start(ctx, job); err != nil {
		return fmt.Errorf("start job: %w", err)
	}
	return reply(c, http.StatusAccepted, s.showJob(job, count))
}

// start starts a job whose purpose is stored already, so that the caller need not know if Temporal is away now: a sweep starts
// it later. A sweep does not start the job of a pause, because deliveries find out about a pause by themselves.
func (s *server) start(c *gin.Context, job models.Job) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), startTimeout)
	defer cancel()
	if err := s.Control.Start(ctx, job); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "api.job_not_started", slog.String("request_id", c.GetString(requestIDKey)),
			slog.String("action", string(job.Action)), slog.String("subject", job.Subject()), slog.Any("error", err))
	}
}

// showJob shows the owner of a job, and how many deliveries it selected when it was requested.
func (s *server) showJob(job models.Job, count int) client.Bulk {
	return client.Bulk{
		EventID: job.Selection.EventID, SubscriptionID: job.Selection.SubscriptionID, Tenant: job.Selection.Tenant,
		Deliveries: count, Links: s.jobLinks(job),
	}
}
