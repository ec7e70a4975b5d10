package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// testRetention gives each test a database of its own, because a pass goes through all tenants.
func testRetention(t *testing.T, open Open) {
	run := func(name string, test func(t *testing.T, b *bundle)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &bundle{Store: migrated(t, open), tenant: "acme"})
		})
	}

	run("an event ends with all that belongs to it, and frees its key", func(t *testing.T, b *bundle) {
		gone, e := b.settled(t)
		_, err := b.CancelEvent(t.Context(), e.ID, annForATest)
		require.NoError(t, err)
		stays, _ := b.settled(t)
		before := b.moment()
		b.settled(t)

		_, err = b.AddDelivery(t.Context(), stays.EventID, b.subscription(t, "else").ID, 0) // so it has changed since
		require.NoError(t, err)
		require.Equal(t, models.Removed{Events: 1, Deliveries: 1, Attempts: 1}, counts(b.expire(t, models.ExpireEvents, before)))
		_, err = b.Event(t.Context(), e.ID)
		requireCode(t, models.CodeNotFound, err)
		_, err = b.Delivery(t.Context(), gone.ID)
		requireCode(t, models.CodeNotFound, err)
		attempts, err := b.Attempts(t.Context(), gone.ID)
		require.NoError(t, err)
		require.Empty(t, attempts)
		why, err := b.Stopped(t.Context(), b.tenant, 0, e.ID)
		require.NoError(t, err)
		require.Nil(t, why, "its stop is gone, too")

		again := b.newEvent(e.Type)
		again.IdempotencyKey = e.IdempotencyKey
		require.False(t, b.publish(t, again).Duplicate)
		require.NoError(t, b.publish(t, again).Err)
		b.reload(t, stays)
		require.Equal(t, models.Removed{}, b.expire(t, models.ExpireEvents, before), "a second pass finds nothing")
	})

	run("nothing ends that may still be needed", func(t *testing.T, b *bundle) {
		accepted := b.event(t, "nobody")
		open := b.delivery(t)
		held := b.held(t)
		both, _ := b.settled(t)
		other, err := b.AddDelivery(t.Context(), both.EventID, b.subscription(t, "x").ID, 0)
		require.NoError(t, err)
		redelivered, _ := b.settled(t)
		_, err = b.ChangeDelivery(t.Context(), redelivered.ID, models.Change{Act: models.ActRedeliver, At: time.Now(), After: 1, Why: annForATest})
		require.NoError(t, err)
		kept := []string{accepted.ID, open.EventID, held.EventID, other.EventID, redelivered.EventID}

		for _, what := range []models.Expiry{models.ExpirePayloads, models.ExpireLate, models.ExpireEvents} {
			require.Equal(t, models.Removed{}, b.expire(t, what, b.moment()), what)
		}
		for _, id := range kept {
			e, err := b.Event(t.Context(), id)
			require.NoError(t, err)
			require.NotEmpty(t, e.Data)
		}

		for _, d := range []*models.Delivery{open, held, other, redelivered} {
			d = b.reload(t, d)
			require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(d, d.Attempts+1)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		}
		require.Equal(t, 4, b.expire(t, models.ExpireLate, b.moment()).Payloads, "payloads that were needed in their time end later")
		require.Equal(t, 4, b.expire(t, models.ExpireEvents, b.moment()).Events)
		_, err = b.Event(t.Context(), accepted.ID)
		require.NoError(t, err)
	})

	run("nothing of a tenant ends that a running recovery may want", func(t *testing.T, b *bundle) {
		d, _ := b.settled(t)
		r := b.newRecovery(d.SubscriptionID)
		r.Since = time.Now().Add(-time.Hour)
		require.NoError(t, b.CreateRecovery(t.Context(), r))
		require.Equal(t, models.Removed{}, b.expire(t, models.ExpireEvents, b.moment()))
		_, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryCompleted)
		require.NoError(t, err)
		require.Equal(t, 1, b.expire(t, models.ExpireEvents, b.moment()).Events)
	})

	run("a payload ends before its event, which cannot be sent again then", func(t *testing.T, b *bundle) {
		d, e := b.settled(t)
		missed := b.subscription(t, e.Type)
		before := b.moment()
		gone := b.expire(t, models.ExpirePayloads, before)
		require.Equal(t, models.Removed{Payloads: 1}, counts(gone))

		stored, err := b.Event(t.Context(), e.ID)
		require.NoError(t, err)
		require.Empty(t, stored.Data)
		require.Equal(t, e.IdempotencyKey, stored.IdempotencyKey)
		attempts, err := b.Attempts(t.Context(), d.ID)
		require.NoError(t, err)
		require.Len(t, attempts, 1)
		require.Empty(t, attempts[0].RequestHeaders)
		require.Empty(t, attempts[0].Header)
		require.Empty(t, attempts[0].Body)
		require.Equal(t, 200, attempts[0].Status)

		after, err := b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActRedeliver, At: time.Now(), After: 1, Why: annForATest})
		require.NoError(t, err)
		require.Equal(t, models.DeliveryDelivered, after.Status)
		requireCode(t, models.CodeConflict, after.Allows(models.ActRedeliver, models.SubscriptionActive))
		require.Empty(t, models.Body(stored, after))
		count, err := b.CountMissing(t.Context(), missed.ID, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Zero(t, count)
		_, err = b.AddDelivery(t.Context(), e.ID, missed.ID, 0)
		requireCode(t, models.CodeNotFound, err)

		again := *e
		again.ID = models.NewID(models.EventPrefix)
		require.True(t, b.publish(t, &again).Duplicate, "the key lives as long as the event")
		require.Equal(t, models.Removed{}, b.expire(t, models.ExpirePayloads, b.moment()), "it has ended already")
		require.Equal(t, 1, b.expire(t, models.ExpireEvents, b.moment()).Events)
	})

	run("many end in batches, in several processes, each once", func(t *testing.T, b *bundle) {
		const events = 260
		sub := b.subscription(t, "many")
		for range events {
			d := b.plan(t, b.event(t, "many").ID)[0]
			require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(d, 1)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		}
		before := b.moment()
		expiring := b.expiring(t, models.ExpireEvents, before)
		require.Equal(t, models.Removed{Events: events, Deliveries: events, Attempts: events}, counts(expiring))

		results, errs := make([]models.Removed, 4), make([]error, 4)
		atOnce(len(results), func(i int) { results[i], errs[i] = pass(t.Context(), b.Store, models.ExpireEvents, before) })
		var gone models.Removed
		for i := range results {
			require.NoError(t, errs[i])
			gone.Add(results[i])
		}
		rest, err := pass(t.Context(), b.Store, models.ExpireEvents, before) // if the passes above stood aside for each other
		require.NoError(t, err)
		gone.Add(rest)
		require.Equal(t, expiring, gone, "the dry run said so")
		require.Empty(t, collect(t, func(p models.Page) ([]*models.Delivery, error) {
			return b.Deliveries(t.Context(), models.DeliveryFilter{SubscriptionID: sub.ID, Page: p})
		}, deliveryID))

		states, err := b.Retention(t.Context())
		require.NoError(t, err)
		require.Len(t, states, len(models.Expiries()))
		for _, state := range states {
			if state.Expiry == models.ExpireEvents {
				require.Equal(t, before, state.Horizon)
				require.False(t, state.Walking)
				require.EqualValues(t, gone.Rows(), state.Rows)
				require.Equal(t, gone.Bytes, state.Bytes)
			}
		}
	})

	run("a pass goes on where it was interrupted, and is not repeated at once", func(t *testing.T, b *bundle) {
		for range 120 {
			b.settled(t)
		}
		b.delivery(t)
		before := b.moment()
		again := time.Now()
		first, over, err := b.Expire(t.Context(), models.ExpireEvents, before, again)
		require.NoError(t, err)
		require.Positive(t, first.Events)
		for !over { // another process
			var next models.Removed
			next, over, err = b.Expire(t.Context(), models.ExpireEvents, before, again)
			require.NoError(t, err)
			first.Add(next)
		}
		require.Equal(t, 120, first.Events)

		b.settled(t)
		none, over, err := b.Expire(t.Context(), models.ExpireEvents, b.moment(), again)
		require.NoError(t, err)
		require.True(t, over)
		require.Equal(t, models.Removed{}, none)
	})

	run("a redelivery comes before the end of its event, or after it, and is never lost with it", func(t *testing.T, b *bundle) {
		for range 4 * rounds {
			d, _ := b.settled(t)
			before := b.moment()
			var after *models.Delivery
			var redelivered, expired error
			atOnce(2, func(i int) {
				if i == 0 {
					_, expired = pass(t.Context(), b.Store, models.ExpireEvents, before)
					return
				}
				after, redelivered = b.ChangeDelivery(t.Context(), d.ID, models.Change{Act: models.ActRedeliver, At: time.Now(), After: 1, Why: annForATest})
			})
			require.NoError(t, expired)
			if redelivered != nil {
				requireCode(t, models.CodeNotFound, redelivered)
				continue
			}
			require.Equal(t, models.DeliveryPending, after.Status)
			require.Equal(t, models.DeliveryPending, b.reload(t, d).Status)
			_, err := b.Event(t.Context(), d.EventID)
			require.NoError(t, err)
		}
	})

	run("the audit has an end of its own", func(t *testing.T, b *bundle) {
		b.settled(t)
		require.NoError(t, b.AddAudit(t.Context(), models.AuditEntry{Tenant: b.tenant, Why: annForATest}))
		before := b.moment()
		require.NoError(t, b.AddAudit(t.Context(), models.AuditEntry{Tenant: b.tenant, Why: annForATest}))
		require.Equal(t, models.Removed{Entries: 1}, counts(b.expire(t, models.ExpireAudit, before)))
		require.Len(t, b.audit(t, models.AuditFilter{}), 1)
	})
}

// settled makes an event with an idempotency key whose only delivery is delivered.
func (b *bundle) settled(t *testing.T) (*models.Delivery, *models.Event) {
	t.Helper()
	eventType := models.NewID("type_")
	b.subscription(t, eventType)
	e := b.newEvent(eventType)
	e.IdempotencyKey = models.NewID("key_")
	require.NoError(t, b.publish(t, e).Err)
	d := b.plan(t, e.ID)[0]
	require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(d, 1)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
	return b.reload(t, d), e
}

// moment returns a time after all that was stored so far, and before all that will be: ids count milliseconds.
func (*bundle) moment() time.Time {
	began := time.Now()
	<-time.After(3 * time.Millisecond)
	return began.Add(2 * time.Millisecond).UTC().Truncate(time.Millisecond)
}

// expire makes a whole pass.
func (b *bundle) expire(t *testing.T, what models.Expiry, before time.Time) models.Removed {
	t.Helper()
	expected := b.expiring(t, what, before)
	gone, err := pass(t.Context(), b.Store, what, before)
	require.NoError(t, err)
	require.Equal(t, expected, gone, "the dry run said so")
	return gone
}

func pass(ctx context.Context, s *store.Store, what models.Expiry, before time.Time) (gone models.Removed, err error) {
	for again, over := time.Now(), false; !over; {
		var some models.Removed
		if some, over, err = s.Expire(ctx, what, before, again); err != nil {
			return gone, err
		}
		gone.Add(some)
	}
	return gone, nil
}

func (b *bundle) expiring(t *testing.T, what models.Expiry, before time.Time) (all models.Removed) {
	t.Helper()
	for after := ""; ; {
		some, last, err := b.Expiring(t.Context(), what, before, after)
		require.NoError(t, err)
		all.Add(some)
		if after = last; last == "" {
			return all
		}
	}
}

// counts is without the bytes.
func counts(r models.Removed) models.Removed {
	r.Bytes = 0
	return r
}
