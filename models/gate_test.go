package models_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// TestGates asks for each reason to make no attempt. Where several hold, the first gate decides.
func TestGates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	stop := &models.Why{Reason: "wrong prices", By: "Jo"}
	change := func(act models.Act, why string) models.Next {
		return models.Next{Do: models.DoChange, Why: why, Change: models.Change{Act: act}}
	}
	abandon := func(why string) models.Next {
		next := change(models.ActAbandon, why)
		next.Change.Reason = why
		return next
	}
	for name, test := range map[string]struct {
		set   func(*models.Work) // changes a delivery that is due, to an active subscription
		asked models.Asked
		want  models.Next
	}{
		"due": {func(*models.Work) {}, models.Asked{}, models.Next{Do: models.DoSend}},
		"closed, whatever else": {func(w *models.Work) {
			w.Delivery.Status, w.Delivery.Reason, w.Event, w.Subscription = models.DeliveryCancelled, "by hand", nil, nil
		}, models.Asked{Claimed: true}, models.Next{Do: models.DoEnd, Why: "after attempt 1: by hand"}},
		"exhausted": {func(w *models.Work) {
			w.Delivery.Status, w.Delivery.LastError = models.DeliveryExhausted, "answered 503"
		}, models.Asked{}, models.Next{Do: models.DoEnd, Why: "after attempt 1: answered 503"}},
		"no event": {func(w *models.Work) {
			w.Delivery.Attempts, w.Event, w.Stopped = 0, nil, stop
		}, models.Asked{}, abandon("the event was deleted")},
		"no subscription": {func(w *models.Work) {
			w.Delivery.Attempts, w.Subscription = 0, nil
		}, models.Asked{}, abandon("the subscription was deleted")},
		"disabled, and stopped by that": {func(w *models.Work) {
			w.Delivery.Attempts, w.Subscription.Status, w.Stopped = 0, models.SubscriptionDisabled, stop
		}, models.Asked{}, abandon("the subscription is disabled")},
		"stopped and paused": {func(w *models.Work) {
			w.Stopped, w.Subscription.Status = stop, models.SubscriptionPaused
		}, models.Asked{}, change(models.ActStop, "after attempt 1: wrong prices (by Jo)")},
		"paused and not due": {func(w *models.Work) {
			w.Subscription.Status, w.Delivery.NextAttemptAt = models.SubscriptionPaused, now.Add(time.Hour)
		}, models.Asked{}, change(models.ActHold, "after attempt 1: the subscription was paused")},
		"held": {func(w *models.Work) {
			w.Subscription.Status, w.Delivery.Status = models.SubscriptionPaused, models.DeliveryHeld
		}, models.Asked{Resumed: true}, models.Next{Do: models.DoRest, Why: "the subscription is paused"}},
		"not its turn": {func(w *models.Work) {
			w.Subscription.ResumeRate, w.Delivery.Status = 5, models.DeliveryHeld
		}, models.Asked{}, models.Next{Do: models.DoRest, Why: "the subscription was resumed; this delivery's turn has not come yet"}},
		"its turn": {func(w *models.Work) {
			w.Subscription.ResumeRate, w.Delivery.Status = 5, models.DeliveryHeld
		}, models.Asked{Resumed: true}, models.Next{
			Do: models.DoChange, Why: "after attempt 1: the subscription was resumed", Change: models.Change{Act: models.ActRelease, At: now},
		}},
		"claimed by the workflow that planned it": {func(w *models.Work) {
			w.Delivery.ClaimedUntil = now.Add(time.Minute)
		}, models.Asked{}, models.Next{Do: models.DoWait, In: 20 * time.Second, Why: "the first attempt is being made by the workflow that planned it"}},
		"claimed for a moment": {func(w *models.Work) {
			w.Delivery.ClaimedUntil = now.Add(time.Second)
		}, models.Asked{}, models.Next{Do: models.DoWait, In: time.Second, Why: "the first attempt is being made by the workflow that planned it"}},
		"claimed by the caller": {func(w *models.Work) {
			w.Delivery.ClaimedUntil = now.Add(models.ClaimTime)
		}, models.Asked{Claimed: true}, models.Next{Do: models.DoSend}},
		"a claim too short for an attempt": {func(w *models.Work) {
			w.Delivery.ClaimedUntil = now.Add(models.AttemptTime)
		}, models.Asked{Claimed: true}, models.Next{Do: models.DoWait, Why: "the claim is over, or nearly"}},
		"claimed by a clock that ran ahead": {func(w *models.Work) {
			w.Delivery.ClaimedUntil, w.Delivery.NextAttemptAt = now.Add(24*time.Hour), now.Add(24*time.Hour)
		}, models.Asked{}, models.Next{Do: models.DoSend}},
		"not due":           {later(now), models.Asked{}, models.Next{Do: models.DoWait, In: time.Hour, Why: "after attempt 1: answered 503"}},
		"not due, by rule":  {later(now), models.Asked{First: true, Wait: true}, models.Next{Do: models.DoWait, In: time.Hour, Why: "after attempt 1: answered 503"}},
		"a timer was early": {func(w *models.Work) { w.Delivery.NextAttemptAt = now.Add(time.Second) }, models.Asked{}, models.Next{Do: models.DoSend}},
		"no timer has run": {func(w *models.Work) {
			w.Delivery.NextAttemptAt, w.Delivery.LastError = now.Add(time.Second), "answered 503"
		}, models.Asked{First: true, Wait: true}, models.Next{Do: models.DoWait, In: time.Second, Why: "after attempt 1: answered 503"}},
		"reset in Temporal": {later(now), models.Asked{First: true, Reset: "run/reset/2"}, models.Next{
			Do: models.DoChange, Why: "after attempt 1: answered 503", Change: models.Change{
				Act: models.ActRedeliver, At: now, After: 1, Origin: "run/reset/2", Why: models.Why{By: "temporal", Reason: "reset in Temporal"},
			},
		}},
		"a first attempt, planned by a clock that ran ahead": {func(w *models.Work) {
			w.Delivery.Attempts, w.Delivery.NextAttemptAt = 0, now.Add(time.Hour)
		}, models.Asked{First: true, Wait: true}, models.Next{Do: models.DoSend}},
	} {
		work := &models.Work{
			Delivery: &models.Delivery{Status: models.DeliveryPending, Attempts: 1, NextAttemptAt: now},
			Event:    &models.Event{}, Subscription: &models.Subscription{Status: models.SubscriptionActive},
		}
		test.set(work)
		require.Equal(t, test.want, work.Next(now, test.asked), name)
	}
}

// later returns a change that makes the next attempt due in an hour, after a failure.
func later(now time.Time) func(*models.Work) {
	return func(w *models.Work) {
		w.Delivery.NextAttemptAt, w.Delivery.LastError = now.Add(time.Hour), "answered 503"
	}
}
