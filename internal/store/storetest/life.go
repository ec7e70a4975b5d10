package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// SubscriptionStatuses lists the statuses in which an act may find the subscription of a delivery; the empty one stands for
// a deleted subscription.
func SubscriptionStatuses() []models.SubscriptionStatus {
	return append(models.SubscriptionStatuses(), "")
}

// Bring brings a pending delivery to an active subscription into the status, and its subscription into the status of.
func Bring(t *testing.T, s *store.Store, d *models.Delivery, status models.DeliveryStatus, of models.SubscriptionStatus) {
	t.Helper()
	do := func(change models.Change) {
		_, err := s.ChangeDelivery(t.Context(), d.ID, change)
		require.NoError(t, err)
	}
	set := func(of models.SubscriptionStatus) {
		_, err := s.UpdateSubscription(t.Context(), d.SubscriptionID, setStatus(of))
		require.NoError(t, err)
	}
	if status == models.DeliveryHeld {
		set(models.SubscriptionPaused)
	} else if status.Closed() {
		do(models.Change{Act: models.DeliveryOutcome{Status: status}.Act()})
	}
	if of == "" {
		require.NoError(t, s.DeleteSubscription(t.Context(), d.SubscriptionID))
		return
	}
	set(of)
	if status == models.DeliveryPending && of == models.SubscriptionPaused { // the pause has held it
		do(models.Change{Act: models.ActAbandon})
		do(models.Change{Act: models.ActRedeliver, At: time.Now()})
	}
}

// FactsOf returns the facts of a change, as of now.
func FactsOf(t *testing.T, s *store.Store, d *models.Delivery, change models.Change, of models.SubscriptionStatus) models.Facts {
	t.Helper()
	present, err := s.Epoch(t.Context(), d.Tenant)
	require.NoError(t, err)
	stopped, err := s.Stopped(t.Context(), d.Tenant, d.EpochAfter(change, present), d.SubscriptionID, d.EventID)
	require.NoError(t, err)
	return models.Facts{Subscription: of, Epoch: present, Stopped: stopped}
}

// testLife compares the store with the rules of package models, for each act, status and status of the subscription.
func testLife(t *testing.T, open Open) {
	run := cases(t, open)
	for _, act := range models.Acts() {
		run(string(act), func(t *testing.T, b *bundle) {
			for _, status := range models.DeliveryStatuses() {
				for _, of := range SubscriptionStatuses() {
					d := b.delivery(t)
					Bring(t, b.Store, d, status, of)
					b.requireRule(t, b.reload(t, d), act, of)
				}
			}
		})
	}
}

// requireRule makes the act happen to a delivery, and checks that the store leaves it as the rule says.
func (b *bundle) requireRule(t *testing.T, d *models.Delivery, act models.Act, of models.SubscriptionStatus) {
	t.Helper()
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	before := *d
	if outcome, ok := OutcomeOf(act); ok {
		outcome.NextAttemptAt, outcome.Reason = later, "because"
		attempt := newAttempt(d, d.Attempts+1)
		attempt.StartedAt = attempt.StartedAt.UTC().Truncate(time.Microsecond)
		if act == models.ActSucceed {
			attempt = succeeded(attempt)
		}
		require.NoError(t, b.RecordAttempt(t.Context(), attempt, outcome))
		d.Record(attempt, outcome)
	} else {
		change := models.Change{Act: act, At: later, Why: annForATest}
		d.Apply(change, FactsOf(t, b.Store, d, change, of))
		b.change(t, d, change)
	}
	stored := b.reload(t, d)
	d.UpdatedAt = stored.UpdatedAt
	require.Equal(t, d, stored, "%s of a %s delivery to a %q subscription, which was %+v", act, before.Status, of, before)
}

// OutcomeOf returns the outcome of an attempt that is the act; ok is false if the act is no attempt.
func OutcomeOf(act models.Act) (outcome models.DeliveryOutcome, ok bool) {
	for _, status := range models.DeliveryStatuses() {
		outcome = models.DeliveryOutcome{Status: status}
		if status != models.DeliveryHeld && outcome.Act() == act {
			return outcome, true
		}
	}
	return outcome, false
}
