package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

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
	subscription, err := s.recoverable(c.Request.Context(), in)
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

// recoverable finds the subscription of the input and refuses one that gets no deliveries.
func (s *server) recoverable(ctx context.Context, in *recoveryInput) (*models.Subscription, error) {
	subscription, err := s.Store.Subscription(ctx, in.SubscriptionID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("get subscription: %w", err)
	case in.Tenant.given && !in.Tenant.null && in.Tenant.value != subscription.Tenant:
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

// cancelRecovery handles POST /v1/recoveries/{id}/cancel. The row is what stops it: its workflow reads the status back
// whenever it saves its progress.
func (s *server) cancelRecovery(c *gin.Context) error {
	why, err := readWhy(c)
	if err != nil {
		return err
	}
	recovery, err := s.recovery(c)
	if err == nil {
		recovery, err = s.stopRecovery(c.Request.Context(), recovery, why)
	}
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
