package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// RecoveryStore keeps recoveries; see [Store].
type RecoveryStore interface {
	// CountMissing counts the events of the time, until exclusive, that match the subscription and have no delivery to it.
	CountMissing(ctx context.Context, subscriptionID string, since, until time.Time) (int, error)
	// CreateRecovery fails with CodeConflict while another recovery of the subscription runs.
	CreateRecovery(ctx context.Context, recovery *models.Recovery, audit ...models.AuditEntry) error
	Recovery(ctx context.Context, id string) (*models.Recovery, error)
	Recoveries(ctx context.Context, filter models.RecoveryFilter) ([]*models.Recovery, error)
	// FinishRecovery returns the recovery as it is afterwards. A recovery that has finished stays as it is.
	FinishRecovery(
		ctx context.Context, id string, status models.RecoveryStatus, audit ...models.AuditEntry,
	) (*models.Recovery, error)
}

// createRecovery handles POST /v1/recoveries.
func (s *server) createRecovery(c *gin.Context) error {
	var in recoveryInput
	if err := readJSON(c, &in); err != nil {
		return err
	}
	recovery, err := s.newRecovery(c, &in)
	if err != nil {
		return err
	}
	if in.DryRun {
		return reply(c, http.StatusOK, client.RecoveryDryRun{DryRun: true, RecoveryPlan: showPlan(recovery)})
	}
	entry := models.AuditEntry{Action: models.AuditStartRecovery, Why: recovery.Why}
	if err := s.Store.CreateRecovery(c.Request.Context(), recovery, entry); err != nil {
		return fmt.Errorf("create recovery: %w", err)
	}
	s.start(c, recovery.Job())
	c.Header("Location", recoveryPath(recovery.ID))
	return reply(c, http.StatusAccepted, s.showRecovery(recovery))
}

// newRecovery makes the recovery that the input describes and counts the deliveries to recover.
func (s *server) newRecovery(c *gin.Context, in *recoveryInput) (*models.Recovery, error) {
	why, err := newWhy(c, in.Reason)
	if err != nil {
		return nil, err
	}
	recovery, err := in.recovery(why, s.Now())
	if err != nil {
		return nil, err
	}
	subscription, err := s.recoverable(c, in)
	if err != nil {
		return nil, err
	}
	recovery.Tenant = subscription.Tenant
	recovery.Total, err = s.countRecovery(c.Request.Context(), recovery)
	if err != nil {
		return nil, fmt.Errorf("count what to recover: %w", err)
	}
	return recovery, nil
}

// recoverable finds the subscription of the input, and refuses a subscription that gets no deliveries.
func (s *server) recoverable(c *gin.Context, in *recoveryInput) (*models.Subscription, error) {
	subscription, err := s.Store.Subscription(c.Request.Context(), in.SubscriptionID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("get subscription: %w", err)
	case !who(c).sees(subscription.Tenant), in.Tenant.given && !in.Tenant.null && in.Tenant.value != subscription.Tenant:
		return nil, models.NotFound("subscription", in.SubscriptionID)
	case subscription.Status == models.SubscriptionDisabled:
		return nil, models.Errorf(models.CodeConflict, "the subscription is disabled; enable it first")
	}
	return subscription, nil
}

func (s *server) countRecovery(ctx context.Context, r *models.Recovery) (int, error) {
	if r.Of == models.RecoverMissing {
		return s.Store.CountMissing(ctx, r.SubscriptionID, r.Since, r.Until)
	}
	return s.Store.CountDeliveries(ctx, r.Job().Selection)
}

// listRecoveries handles GET /v1/recoveries.
func (s *server) listRecoveries(c *gin.Context) error {
	q := readQuery(c)
	filter := models.RecoveryFilter{
		Tenant:         q.tenant(),
		SubscriptionID: q.id("subscription_id", models.SubscriptionPrefix),
		Status:         choice(q, "status", models.RecoveryRunning, models.RecoveryCompleted, models.RecoveryCancelled),
		Page:           q.page(models.RecoveryPrefix),
	}
	if q.err != nil {
		return q.err
	}
	found, err := s.Store.Recoveries(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("list recoveries: %w", err)
	}
	id := func(r *models.Recovery) string { return r.ID }
	return reply(c, http.StatusOK, newPage(found, filter.Page, id, s.showRecovery))
}

// getRecovery handles GET /v1/recoveries/{id}.
func (s *server) getRecovery(c *gin.Context) error {
	recovery, err := s.recovery(c)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, s.showRecovery(recovery))
}

// recovery finds the recovery that the path names.
func (s *server) recovery(c *gin.Context) (*models.Recovery, error) {
	return find(c, "recovery", models.RecoveryPrefix, s.Store.Recovery)
}

// cancelRecovery handles POST /v1/recoveries/{id}/cancel. The row stops it: its workflow reads the status back whenever
// it saves its progress.
func (s *server) cancelRecovery(c *gin.Context) error {
	recovery, err := s.recovery(c)
	if err != nil {
		return err
	}
	why, err := readWhy(c)
	if err != nil {
		return err
	}
	recovery, err = s.stopRecovery(c.Request.Context(), recovery, why)
	if err != nil {
		return fmt.Errorf("cancel recovery: %w", err)
	}
	return reply(c, http.StatusAccepted, s.showRecovery(recovery))
}

func (s *server) stopRecovery(ctx context.Context, r *models.Recovery, why models.Why) (*models.Recovery, error) {
	if r.Status != models.RecoveryRunning {
		return nil, models.Errorf(models.CodeConflict, "the recovery is %s already", r.Status)
	}
	entry := models.AuditEntry{Action: models.AuditCancelRecovery, Why: why}
	after, err := s.Store.FinishRecovery(ctx, r.ID, models.RecoveryCancelled, entry)
	if err == nil && after.Status != models.RecoveryCancelled {
		err = models.Errorf(models.CodeConflict, "the recovery is %s already", after.Status) // since it was read
	}
	return after, err
}

// recoveryInput is the JSON by which a caller describes a recovery.
type recoveryInput struct {
	Tenant         optional[string]            `json:"tenant"`
	SubscriptionID string                      `json:"subscription_id"`
	Since          timestamp                   `json:"since"`
	Until          timestamp                   `json:"until"`
	Status         optional[models.RecoveryOf] `json:"status"`
	Rate           optional[int]               `json:"rate"`
	Reason         string                      `json:"reason"`
	DryRun         bool                        `json:"dry_run"`
}

// recovery makes the recovery, or returns a CodeInvalid error. Its tenant and total are filled in later.
func (in *recoveryInput) recovery(why models.Why, now time.Time) (*models.Recovery, error) {
	if !models.ValidID(models.SubscriptionPrefix, in.SubscriptionID) {
		return nil, models.Invalid("subscription_id", "must be an id that starts with %s", models.SubscriptionPrefix)
	}
	rate, err := chosenRate(in.Rate, models.DefaultRate)
	if err != nil {
		return nil, err
	}
	recovery := models.NewRecovery(models.Recovery{
		SubscriptionID: in.SubscriptionID, Since: time.Time(in.Since), Until: time.Time(in.Until), Rate: rate, Why: why,
	}, now)
	in.Status.set(&recovery.Of) // after the defaults: an empty value that was given is judged, not replaced
	return recovery, recovery.Validate()
}

// showPlan shows which deliveries a recovery makes again, and how fast.
func showPlan(r *models.Recovery) client.RecoveryPlan {
	return client.RecoveryPlan{
		Tenant: r.Tenant, SubscriptionID: r.SubscriptionID, Recovers: client.RecoveryOf(r.Of), Since: stamp(r.Since),
		Until: stamp(r.Until), Rate: r.Rate, By: r.By, Reason: r.Reason, Total: r.Total,
	}
}

// showRecovery shows a recovery that was started.
func (s *server) showRecovery(r *models.Recovery) client.Recovery {
	return client.Recovery{
		ID: r.ID, Status: client.RecoveryStatus(r.Status), RecoveryPlan: showPlan(r),
		Done: r.Progress.Done, Skipped: r.Progress.Skipped,
		CreatedAt: stamp(r.CreatedAt), UpdatedAt: stamp(r.UpdatedAt), FinishedAt: stamp(r.FinishedAt),
		Links: s.recoveryLinks(r),
	}
}
