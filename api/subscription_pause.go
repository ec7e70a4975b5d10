package api

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// pauseSubscription handles POST /v1/subscriptions/{id}/pause. A paused subscription stays as it is.
func (s *server) pauseSubscription(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	why, err := readWhy(c)
	if err != nil {
		return err
	}
	if subscription.Status != models.SubscriptionPaused {
		entry := models.AuditEntry{Action: models.AuditPauseSubscription, Why: why}
		subscription, err = s.Store.UpdateSubscription(c.Request.Context(), subscription.ID, pause, entry)
	}
	if err != nil {
		return fmt.Errorf("pause subscription: %w", err)
	}
	s.follow(c, subscription, why)
	return s.replySubscription(c, http.StatusOK, subscription)
}

func pause(sub *models.Subscription) error {
	if sub.Status == models.SubscriptionDisabled {
		return models.Errorf(models.CodeConflict, "the subscription is disabled; it gets nothing that could be held")
	}
	sub.Status = models.SubscriptionPaused
	return nil
}

// resumeSubscription handles POST /v1/subscriptions/{id}/resume. An active subscription stays as it is, except that the
// rate can change while held deliveries are being released.
func (s *server) resumeSubscription(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	rate, why, err := readRate(c, 0)
	if err != nil {
		return err
	}
	if resumable(subscription, rate) {
		entry := models.AuditEntry{Action: models.AuditResumeSubscription, Why: why}
		subscription, err = s.Store.UpdateSubscription(c.Request.Context(), subscription.ID, resumeAt(rate), entry)
	}
	if err != nil {
		return fmt.Errorf("resume subscription: %w", err)
	}
	s.follow(c, subscription, why)
	return s.replySubscription(c, http.StatusAccepted, subscription)
}

// resumable reports whether a resumption at the rate changes anything; 0: no rate is given.
func resumable(sub *models.Subscription, rate int) bool {
	return sub.Status != models.SubscriptionActive || sub.ResumeRate != 0 && rate != 0
}

// resumeAt sets the rate; the store replaces 0 by the default.
func resumeAt(rate int) func(*models.Subscription) error {
	return func(sub *models.Subscription) error {
		if sub.Status == models.SubscriptionDisabled {
			return models.Errorf(models.CodeConflict, `the subscription is disabled; enable it with PATCH {"status": "active"}`)
		}
		sub.Status, sub.ResumeRate = models.SubscriptionActive, rate
		return nil
	}
}

// follow starts the job that a change of the subscription asks for: held deliveries are released unless it is paused, and
// the waiting deliveries of a disabled subscription are cancelled.
func (s *server) follow(c *gin.Context, sub *models.Subscription, why models.Why) {
	if sub.ResumeRate > 0 {
		s.start(c, models.ResumeJob(sub, why))
	}
	switch sub.Status {
	case models.SubscriptionPaused:
		s.start(c, models.HoldJob(sub, why))
	case models.SubscriptionDisabled:
		s.startStop(c, sub)
	}
}
