package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// How long a call waits for Temporal: to answer it, and to start a job that would also be started later.
const (
	steerTimeout = 20 * time.Second
	startTimeout = 5 * time.Second
)

// steering is the time of a call that needs Temporal. When it is over, the caller is told to try again.
func steering(c *gin.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Request.Context(), steerTimeout)
}

// cancelEvent handles POST /v1/events/{id}/cancel: it stops all deliveries of the event that are not delivered yet.
func (s *server) cancelEvent(c *gin.Context) {
	why, err := readWhy(c)
	if err != nil {
		fail(c, err)
		return
	}
	event, err := s.plannedEvent(c)
	if err != nil {
		fail(c, err)
		return
	}
	s.begin(c, models.AuditCancelEvent, models.Job{
		Action: models.JobCancel, Tenant: event.Tenant, Rate: models.MaxRate, Why: why,
		Selection: models.Selection{EventID: event.ID, Statuses: []models.DeliveryStatus{
			models.DeliveryPending, models.DeliveryHeld, models.DeliveryExhausted,
		}},
	})
}

// redeliverEvent handles POST /v1/events/{id}/redeliver: a further attempt of all that is not held of the event.
func (s *server) redeliverEvent(c *gin.Context) {
	rate, why, err := readRate(c, models.DefaultRate)
	if err != nil {
		fail(c, err)
		return
	}
	event, err := s.plannedEvent(c)
	if err != nil {
		fail(c, err)
		return
	}
	s.begin(c, models.AuditRedeliverEvent, models.Job{
		Action: models.JobRedeliver, Tenant: event.Tenant, Rate: rate, Why: why,
		Selection: models.Selection{EventID: event.ID, Statuses: []models.DeliveryStatus{
			models.DeliveryPending, models.DeliveryDelivered, models.DeliveryExhausted, models.DeliveryCancelled,
		}},
	})
}

// cancelWaiting handles POST /v1/subscriptions/{id}/cancel: all that waits for the subscription stops.
func (s *server) cancelWaiting(c *gin.Context) {
	why, err := readWhy(c)
	if err != nil {
		fail(c, err)
		return
	}
	subscription, err := s.subscription(c)
	if err != nil {
		fail(c, err)
		return
	}
	s.begin(c, models.AuditCancelWaiting, models.CancelWaitingJob(subscription, why, s.Now()))
}

// plannedEvent finds the event that the path names, which must have its deliveries: what is done to those it has would
// not be done to those it gets.
func (s *server) plannedEvent(c *gin.Context) (*models.Event, error) {
	event, err := s.pathEvent(c)
	if err == nil && event.Status == models.EventAccepted {
		return nil, models.Errorf(models.CodeConflict, "the deliveries of event %s are not planned yet; try again", event.ID)
	}
	return event, err
}

// begin starts the job and answers with how many deliveries it selects now. The audit comes first: an entry about what
// then failed to start does no harm, an act without its entry does.
func (s *server) begin(c *gin.Context, action models.AuditAction, job models.Job) {
	ctx, cancel := steering(c)
	defer cancel()
	count, err := s.Store.CountDeliveries(ctx, job.Selection)
	if err != nil {
		fail(c, fmt.Errorf("count deliveries: %w", err))
		return
	}
	entry := models.AuditEntry{Tenant: job.Tenant, Action: action, Subject: subject(job), Why: job.Why}
	if err := s.Store.AddAudit(ctx, entry); err != nil {
		fail(c, fmt.Errorf("add audit entry: %w", err))
		return
	}
	if err := s.Steering.Start(ctx, job); err != nil {
		fail(c, fmt.Errorf("start job: %w", err))
		return
	}
	reply(c, http.StatusAccepted, s.jobView(job, count))
}

// start starts a job whose purpose is stored already, so that the caller need not know that Temporal is away: a sweep
// starts resumptions and recoveries later, and deliveries that were to be cancelled check for themselves.
func (s *server) start(c *gin.Context, job models.Job) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), startTimeout)
	defer cancel()
	if err := s.Steering.Start(ctx, job); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "api.job_not_started", slog.String("request_id", c.GetString(requestIDKey)),
			slog.String("action", string(job.Action)), slog.String("subject", subject(job)), slog.Any("error", err))
	}
}

// subject is the id of the subscription, event or recovery that the job serves.
func subject(job models.Job) string {
	return cmp.Or(job.RecoveryID, job.Selection.EventID, job.Selection.SubscriptionID)
}

// jobView shows the purpose of a job, and how many deliveries it selected when it was requested.
type jobView struct {
	EventID        string `json:"event_id,omitempty"`
	SubscriptionID string `json:"subscription_id,omitempty"`
	Deliveries     int    `json:"deliveries"`
	Links          links  `json:"links"`
}

func (s *server) jobView(job models.Job, count int) jobView {
	return jobView{
		EventID: job.Selection.EventID, SubscriptionID: job.Selection.SubscriptionID, Deliveries: count, Links: s.jobLinks(job),
	}
}
