package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testSubscriptions(t *testing.T, open Open) {
	run := cases(t, open)

	run("a subscription comes back as it was", func(t *testing.T, b *bundle) {
		sub := b.newSubscription("order.*", "*", "order.paid")
		sub.Headers = map[string]string{"Authorization": "Bearer <x>", "X-Empty": ""}
		sub.Properties = map[string]json.RawMessage{
			"url": raw(`"https://a.example/?b=1&c=<2>"`), "a": raw(`{"z":1,"b":[2]}`),
		}
		sub.Secrets = append(sub.Secrets, models.Secret{Value: "whsec_b2xk", ExpiresAt: time.Now().UTC()})
		sub.ForwardHeaders = []string{}
		sub.Timeout = 2500 * time.Millisecond
		sub.Payload = models.PayloadData
		sub.RetrySchedule = models.Schedule{time.Second, 36 * time.Hour}
		require.NoError(t, sub.Validate())
		require.NoError(t, b.CreateSubscription(t.Context(), sub))
		require.Equal(t, sub, b.loadSubscription(t, sub.ID))
	})

	run("what is not set stays unset", func(t *testing.T, b *bundle) {
		sub := b.newSubscription("*")
		sub.Secrets, sub.ForwardHeaders = nil, nil
		require.NoError(t, b.CreateSubscription(t.Context(), sub))
		require.Equal(t, sub, b.loadSubscription(t, sub.ID))
	})

	run("an unknown id is not found by any verb", func(t *testing.T, b *bundle) {
		_, err := b.Subscription(t.Context(), "sub_none")
		requireCode(t, models.CodeNotFound, err)
		_, err = b.UpdateSubscription(t.Context(), "sub_none", func(*models.Subscription) error { return nil })
		requireCode(t, models.CodeNotFound, err)
		requireCode(t, models.CodeNotFound, b.DeleteSubscription(t.Context(), "sub_none"))
	})

	run("a taken id is a conflict and changes nothing", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		other := b.newSubscription("a")
		other.ID = sub.ID
		requireCode(t, models.CodeConflict, b.CreateSubscription(t.Context(), other))
		require.Equal(t, sub, b.loadSubscription(t, sub.ID))
	})

	run("a list is paged newest first by tenant and status, and shows no secrets", func(t *testing.T, b *bundle) {
		var all, disabled []string
		for i := range 8 {
			sub := b.subscription(t, "*")
			if all = append(all, sub.ID); i%3 == 0 {
				disabled = append(disabled, sub.ID)
				b.disable(t, sub, "gone")
			}
		}
		other := &bundle{Store: b.Store, tenant: models.NewID("tenant_")}
		other.subscription(t, "*")
		for status, want := range map[models.SubscriptionStatus][]string{"": all, models.SubscriptionDisabled: disabled} {
			f := models.SubscriptionFilter{Tenant: b.tenant, Status: status}
			requirePaged(t, want, func(p models.Page) ([]*models.Subscription, error) {
				f.Page = p
				found, err := b.Subscriptions(t.Context(), f)
				for _, sub := range found {
					require.Nil(t, sub.Secrets)
					require.Equal(t, []string{"*"}, sub.EventTypes)
				}
				return found, err
			}, subscriptionID)
		}
	})

	run("disabling notes the first reason and stops new deliveries", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "*")
		b.disable(t, sub, "answered 410")
		b.disable(t, sub, "again")
		stored := b.loadSubscription(t, sub.ID)
		require.Equal(t, models.SubscriptionDisabled, stored.Status)
		require.Equal(t, "answered 410", stored.DisabledReason)
		require.True(t, stored.UpdatedAt.After(sub.UpdatedAt))
		require.Equal(t, sub.Secrets, stored.Secrets)
		require.Empty(t, b.plan(t, b.event(t, "a").ID))
	})

	run("URLs are found of those that are there", func(t *testing.T, b *bundle) {
		one, gone := b.subscription(t, "*"), b.subscription(t, "*")
		require.NoError(t, b.DeleteSubscription(t.Context(), gone.ID))
		urls, err := b.SubscriptionURLs(t.Context(), []string{one.ID, gone.ID})
		require.NoError(t, err)
		require.Equal(t, map[string]string{one.ID: one.URL}, urls)
		urls, err = b.SubscriptionURLs(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, urls)
	})

	run("deleting leaves deliveries and attempts behind", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		exhausted := models.DeliveryOutcome{Status: models.DeliveryExhausted}
		require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), exhausted))
		require.NoError(t, b.DeleteSubscription(t.Context(), d.SubscriptionID))
		_, err := b.Subscription(t.Context(), d.SubscriptionID)
		requireCode(t, models.CodeNotFound, err)
		require.Equal(t, models.DeliveryExhausted, b.reload(t, d).Status)
		attempts, err := b.Attempts(t.Context(), d.ID)
		require.NoError(t, err)
		require.Len(t, attempts, 1)
		require.Empty(t, b.plan(t, b.event(t, d.EventType).ID), "its patterns are gone with it")
	})
}

// disable disables the subscription as an attempt of one of its deliveries does.
func (b *bundle) disable(t *testing.T, sub *models.Subscription, reason string) {
	t.Helper()
	elsewhere := &bundle{Store: b.Store, tenant: models.NewID("tenant_")} // so that the attempt's delivery is in nobody's way
	d := elsewhere.delivery(t)
	outcome := models.DeliveryOutcome{Status: models.DeliveryCancelled, Reason: reason, DisableSubscription: sub.ID}
	require.NoError(t, b.RecordAttempt(t.Context(), newAttempt(d, 1), outcome))
	require.Equal(t, reason, b.reload(t, d).Reason)
}

func (b *bundle) loadSubscription(t *testing.T, id string) *models.Subscription {
	t.Helper()
	sub, err := b.Subscription(t.Context(), id)
	require.NoError(t, err)
	return sub
}
