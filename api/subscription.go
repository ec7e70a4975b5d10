package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// SubscriptionStore keeps subscriptions and tells how their deliveries stand; see [Store].
type SubscriptionStore interface {
	CreateSubscription(ctx context.Context, subscription *models.Subscription, audit ...models.AuditEntry) error
	Subscription(ctx context.Context, id string) (*models.Subscription, error)
	Subscriptions(ctx context.Context, filter models.SubscriptionFilter) ([]*models.Subscription, error)
	// SubscriptionURLs returns the URL of each of them that is there, by id.
	SubscriptionURLs(ctx context.Context, ids []string) (map[string]string, error)
	// UpdateSubscription stores the subscription as change leaves it, if that is valid, and returns it. A subscription
	// that becomes paused holds its pending deliveries; a resumed one has a ResumeRate until all of them are released.
	// Change must not use the store.
	UpdateSubscription(
		ctx context.Context, id string, change func(*models.Subscription) error, audit ...models.AuditEntry,
	) (*models.Subscription, error)
	DeleteSubscription(ctx context.Context, id string, audit ...models.AuditEntry) error
	// FailingSince says of each subscription of which deliveries are being retried when the oldest of these began to fail.
	FailingSince(ctx context.Context, subscriptionIDs ...string) (map[string]time.Time, error)
	// CountHeld counts the subscription's held deliveries, up to a bound.
	CountHeld(ctx context.Context, subscriptionID string) (int, error)
}

// createSubscription handles POST /v1/subscriptions.
func (s *server) createSubscription(c *gin.Context) error {
	in, err := readSubscription(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditCreateSubscription)
	if err != nil {
		return err
	}
	if in.Tenant.value, err = who(c).tenantOf(in.Tenant.value); err != nil {
		return err
	}
	subscription, err := in.create(s.Now())
	if err != nil {
		return err
	}
	given, err := newReceiverKey(subscription, s.Now())
	if err != nil {
		return err
	}
	if err := s.checkDestinations(c.Request.Context(), in); err != nil {
		return err
	}
	if err := s.Store.CreateSubscription(c.Request.Context(), subscription, entry); err != nil {
		return fmt.Errorf("create subscription: %w", err)
	}
	c.Header("Location", subscriptionPath(subscription.ID))
	shown := s.showSubscription(subscription)
	shown.Secret, shown.PublicKey = given.secret, given.public // this once
	return reply(c, http.StatusCreated, shown)
}

// listSubscriptions handles GET /v1/subscriptions.
func (s *server) listSubscriptions(c *gin.Context) error {
	q := readQuery(c)
	filter := models.SubscriptionFilter{
		Tenant: q.tenant(),
		Status: choice(q, "status", models.SubscriptionStatuses()...),
		Page:   q.page(models.SubscriptionPrefix),
	}
	if q.err != nil {
		return q.err
	}
	found, err := s.Store.Subscriptions(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("list subscriptions: %w", err)
	}
	id := func(sub *models.Subscription) string { return sub.ID }
	ids := make([]string, len(found))
	for i, sub := range found {
		ids[i] = sub.ID
	}
	failing, err := s.Store.FailingSince(c.Request.Context(), ids...)
	if err != nil {
		return fmt.Errorf("list subscriptions: %w", err)
	}
	return reply(c, http.StatusOK, newPage(found, filter.Page, id, func(sub *models.Subscription) client.Subscription {
		shown := s.showSubscription(sub)
		shown.FailingSince = stamp(failing[sub.ID])
		return shown
	}))
}

// replySubscription answers with a subscription and how its deliveries stand.
func (s *server) replySubscription(c *gin.Context, status int, sub *models.Subscription) error {
	shown := s.showSubscription(sub)
	failing, err := s.Store.FailingSince(c.Request.Context(), sub.ID)
	shown.FailingSince = stamp(failing[sub.ID])
	if err == nil && (sub.Status == models.SubscriptionPaused || sub.ResumeRate > 0) {
		var held int
		held, err = s.Store.CountHeld(c.Request.Context(), sub.ID)
		shown.Held = &held
	}
	if err != nil {
		return fmt.Errorf("get subscription: %w", err)
	}
	return reply(c, status, shown)
}

// getSubscription handles GET /v1/subscriptions/{id}.
func (s *server) getSubscription(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	return s.replySubscription(c, http.StatusOK, subscription)
}

// patchSubscription handles PATCH /v1/subscriptions/{id}.
func (s *server) patchSubscription(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	in, err := readSubscription(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditUpdateSubscription)
	if err != nil {
		return err
	}
	if err := s.checkDestinations(c.Request.Context(), in); err != nil {
		return err
	}
	changed, err := s.Store.UpdateSubscription(c.Request.Context(), subscription.ID, func(sub *models.Subscription) error {
		return in.patch(sub, s.Now())
	}, entry)
	if err != nil {
		return fmt.Errorf("update subscription: %w", err)
	}
	s.follow(c, changed, entry.Why)
	return s.replySubscription(c, http.StatusOK, changed)
}

// deleteSubscription handles DELETE /v1/subscriptions/{id}.
func (s *server) deleteSubscription(c *gin.Context) error {
	subscription, err := s.subscription(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditDeleteSubscription)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteSubscription(c.Request.Context(), subscription.ID, entry); err != nil {
		return fmt.Errorf("delete subscription: %w", err)
	}
	s.startStop(c, subscription)
	c.Status(http.StatusNoContent)
	return nil
}

// subscription finds the subscription that the path names.
func (s *server) subscription(c *gin.Context) (*models.Subscription, error) {
	return find(c, "subscription", models.SubscriptionPrefix, s.Store.Subscription)
}

// showSubscription shows a subscription without its secret and with credentials redacted.
func (s *server) showSubscription(sub *models.Subscription) client.Subscription {
	now := s.Now()
	shown := client.Subscription{
		ID: sub.ID, Tenant: sub.Tenant, Name: sub.Name, URL: sub.URL, EventTypes: sub.EventTypes,
		Headers: redactHeaders(sub.Headers), ForwardHeaders: sub.ForwardHeaders, Properties: sub.Properties,
		Auth: redactAuth(sub.Auth), TLS: redactTLS(sub.TLS),
		Signature: client.Signature(sub.Signature), Payload: client.Payload(sub.Payload), Timeout: client.Duration(sub.Timeout),
		Status: client.SubscriptionStatus(sub.Status), ResumeRate: sub.ResumeRate,
		PausedAt: stamp(sub.PausedAt), PausedBy: sub.Paused.By, PausedReason: sub.Paused.Reason,
		DisabledReason: sub.DisabledReason, SignWith: signWith(sub, now), PreviousExpiresAt: previousExpiry(sub, now),
		CreatedAt: stamp(sub.CreatedAt), UpdatedAt: stamp(sub.UpdatedAt), Links: subscriptionLinks(sub),
	}
	if shown.ForwardHeaders == nil {
		shown.ForwardHeaders = []string{models.MatchAll}
	}
	if shown.Properties == nil {
		shown.Properties = map[string]json.RawMessage{}
	}
	for _, delay := range sub.Schedule() {
		shown.RetrySchedule = append(shown.RetrySchedule, client.Duration(delay))
	}
	return shown
}
