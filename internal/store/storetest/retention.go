package storetest

import (
	"context"
	"errors"
	"slices"
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
		require.Equal(t, 4, b.expireAs(t, models.Ending{Expiry: models.ExpireLate, Keep: models.Retention{Events: hour}, At: b.moment().Add(hour)}).Events)
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
		late := models.Ending{Expiry: models.ExpireLate, Keep: models.Retention{Events: hour}, At: b.moment().Add(hour)}
		require.Equal(t, 1, b.expireAs(t, late).Events)
	})

	run("a finished recovery ends like an event", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		recovery := func() *models.Recovery {
			r := b.newRecovery(sub.ID)
			require.NoError(t, b.CreateRecovery(t.Context(), r))
			return r
		}
		finished := recovery()
		_, err := b.FinishRecovery(t.Context(), finished.ID, models.RecoveryCompleted)
		require.NoError(t, err)
		running := recovery()
		require.Equal(t, models.Removed{Recoveries: 1}, counts(b.expire(t, models.ExpireRecoveries, b.moment())))
		_, err = b.Recovery(t.Context(), finished.ID)
		requireCode(t, models.CodeNotFound, err)
		before := b.moment()
		_, err = b.FinishRecovery(t.Context(), running.ID, models.RecoveryCompleted)
		require.NoError(t, err)
		require.Equal(t, models.Removed{}, b.expire(t, models.ExpireRecoveries, before), "it has finished since")
		require.Equal(t, 1, b.expire(t, models.ExpireRecoveries, b.moment()).Recoveries)
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
		expiring := b.expiring(t, ending(models.ExpireEvents, before))
		require.Equal(t, models.Removed{Events: events, Deliveries: events, Attempts: events}, counts(expiring))

		results, errs := make([]models.Removed, 4), make([]error, 4)
		atOnce(len(results), func(i int) { results[i], errs[i] = pass(t.Context(), b.Store, ending(models.ExpireEvents, before)) })
		var gone models.Removed
		for i := range results {
			require.NoError(t, errs[i])
			gone.Add(results[i])
		}
		rest, err := pass(t.Context(), b.Store, ending(models.ExpireEvents, before)) // if the passes above stood aside for each other
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
		first, over, err := b.Expire(t.Context(), ending(models.ExpireEvents, before), again)
		require.NoError(t, err)
		require.Positive(t, first.Events)
		for !over { // another process
			var next models.Removed
			next, over, err = b.Expire(t.Context(), ending(models.ExpireEvents, before), again)
			require.NoError(t, err)
			first.Add(next)
		}
		require.Equal(t, 120, first.Events)

		b.settled(t)
		none, over, err := b.Expire(t.Context(), ending(models.ExpireEvents, b.moment()), again)
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
					_, expired = pass(t.Context(), b.Store, ending(models.ExpireEvents, before))
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

	run("the data of a tenant end when it says so", func(t *testing.T, b *bundle) {
		const day = 24 * hour
		of := map[string]*bundle{}
		deliveries := map[string]*models.Delivery{}
		for name, keep := range map[string]*models.Tenant{
			"none": {}, "shorter": {Retention: new(hour)}, "longer": {Retention: new(10 * day)}, "ever": {Retention: new(time.Duration(0))},
			"bare": {PayloadRetention: new(hour)},
		} {
			keep.Name = name
			require.NoError(t, b.UpdateTenant(t.Context(), name, to(keep)))
			of[name] = &bundle{Store: b.Store, tenant: name}
			deliveries[name], _ = of[name].settled(t)
			r := of[name].newRecovery(deliveries[name].SubscriptionID)
			require.NoError(t, b.CreateRecovery(t.Context(), r))
			_, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryCompleted)
			require.NoError(t, err)
		}
		open := of["shorter"].delivery(t)
		keep, present := models.Retention{Events: 2 * day}, b.moment()
		left := func() (names []string) {
			for name, d := range deliveries {
				if e, err := b.Event(t.Context(), d.EventID); err == nil {
					require.Equal(t, name == "bare", len(e.Data) == 0, name)
					names = append(names, name)
				}
			}
			slices.Sort(names)
			return names
		}

		endings, err := b.Endings(t.Context(), keep, present)
		require.NoError(t, err)
		require.Len(t, endings, 3, "the installation's, and none of a tenant's that would find nothing")
		for range 2 {
			gone := b.expireAll(t, keep, present.Add(2*hour))
			require.Equal(t, []string{"bare", "ever", "longer", "none"}, left())
			require.LessOrEqual(t, gone.Rows(), 5, "the second pass finds nothing")
		}
		b.reload(t, open)
		gone := b.expireAll(t, keep, present.Add(3*day))
		require.Equal(t, []string{"ever", "longer"}, left())
		require.Equal(t, models.Removed{Events: 2, Deliveries: 2, Attempts: 2, Recoveries: 2}, counts(gone))
		gone = b.expireAll(t, keep, present.Add(11*day))
		require.Equal(t, []string{"ever"}, left())
		require.Equal(t, models.Removed{Events: 1, Deliveries: 1, Attempts: 1, Recoveries: 1}, counts(gone))

		require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(open, 1)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		require.Equal(t, 1, b.expireAll(t, keep, b.moment().Add(2*hour)).Events, "it was open at its end")
		require.NoError(t, b.UpdateTenant(t.Context(), "ever", to(&models.Tenant{Name: "ever"})))
		require.Equal(t, 1, b.expireAll(t, keep, present.Add(11*day)).Events, "it leaves that to the installation again")
		states, err := b.Retention(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"", "bare", "longer", "shorter"}, tenantsOf(states))
		require.Equal(t, models.Removed{}, b.expireAll(t, keep, present.Add(12*day)))
	})

	run("the payloads of a tenant end before its events, which end as well", func(t *testing.T, b *bundle) {
		require.NoError(t, b.UpdateTenant(t.Context(), b.tenant, to(&models.Tenant{Name: b.tenant, Retention: new(9 * hour), PayloadRetention: new(3 * hour)})))
		b.settled(t)
		open := b.delivery(t)
		present := b.moment()
		keep := models.Retention{Events: 6 * hour}
		require.Equal(t, models.Removed{Payloads: 1}, counts(b.expireAll(t, keep, present.Add(4*hour))))
		require.Equal(t, models.Removed{}, b.expireAll(t, keep, present.Add(7*hour)))
		require.Equal(t, 1, b.expireAll(t, keep, present.Add(10*hour)).Events)
		require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(open, 1)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		settled := b.moment()
		require.Equal(t, models.Removed{Payloads: 1}, counts(b.expireAll(t, keep, settled.Add(4*hour))))
		require.Equal(t, models.Removed{}, b.expireAll(t, keep, settled.Add(5*hour)))
		require.Equal(t, 1, b.expireAll(t, keep, settled.Add(10*hour)).Events, "no pass comes by it any more, but that for what is late")
	})

	run("a tenant that gives up its retention sends the installation back no further than its own pass had come", func(t *testing.T, b *bundle) {
		other := &bundle{Store: b.Store, tenant: "other"}
		other.settled(t)
		require.NoError(t, b.UpdateTenant(t.Context(), b.tenant, to(&models.Tenant{Name: b.tenant, Retention: new(4 * hour)})))
		_, looked := b.settled(t)
		between := b.moment()
		later, _ := b.settled(t)
		_, last := other.settled(t)
		present := b.moment()
		keep := models.Retention{Events: hour}
		require.Equal(t, 3, b.expireAll(t, keep, between.Add(4*hour)).Events)
		require.Equal(t, looked.ID, b.reached(t, b.tenant))
		require.Equal(t, last.ID, b.reached(t, ""))

		require.NoError(t, b.UpdateTenant(t.Context(), b.tenant, to(&models.Tenant{Name: b.tenant})))
		require.Equal(t, looked.ID, b.reached(t, ""))
		require.Equal(t, 1, b.expireAll(t, keep, present.Add(hour)).Events)
		_, err := b.Delivery(t.Context(), later.ID)
		requireCode(t, models.CodeNotFound, err)
	})

	run("an event that was late and has settled ends with those of its time", func(t *testing.T, b *bundle) {
		require.NoError(t, b.UpdateTenant(t.Context(), b.tenant, to(&models.Tenant{Name: b.tenant, Retention: new(100 * hour)})))
		open := b.delivery(t)
		keep, present := models.Retention{Events: hour}, b.moment()
		require.Equal(t, models.Removed{}, b.expireAll(t, keep, present.Add(2*hour)))
		require.NoError(t, b.RecordAttempt(t.Context(), succeeded(newAttempt(open, 1)), models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		require.Equal(t, models.Removed{}, b.expireAll(t, keep, b.moment().Add(2*hour)))
		late := models.Ending{Expiry: models.ExpireLate, Keep: keep, At: present.Add(200 * hour)}
		require.Equal(t, models.Removed{}, b.expireAs(t, late), "it is not marked any more")
		require.Equal(t, 1, b.expireAll(t, keep, present.Add(200*hour)).Events)
	})

	run("a longer retention is in force when the call returns", func(t *testing.T, b *bundle) {
		for range 2 * rounds {
			require.NoError(t, b.UpdateTenant(t.Context(), b.tenant, to(&models.Tenant{Name: b.tenant, Retention: new(hour)})))
			_, e := b.settled(t)
			present := b.moment()
			var there error
			var errs [2]error
			atOnce(2, func(i int) {
				if i == 0 {
					_, errs[0] = pass(t.Context(), b.Store, models.Ending{Expiry: models.ExpireEvents, Tenant: b.tenant, At: present.Add(2 * hour)})
					return
				}
				errs[1] = b.UpdateTenant(t.Context(), b.tenant, to(&models.Tenant{Name: b.tenant, Retention: new(time.Duration(0))}))
				_, there = b.Event(t.Context(), e.ID)
			})
			require.NoError(t, errors.Join(errs[:]...))
			_, err := b.Event(t.Context(), e.ID)
			require.Equal(t, there == nil, err == nil)
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

// reached is the last event that a pass has looked at.
func (b *bundle) reached(t *testing.T, tenant string) string {
	t.Helper()
	states, err := b.Retention(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(states, func(s models.RetentionState) bool { return s.Tenant == tenant && s.Expiry == models.ExpireEvents })
	require.NotEqual(t, -1, i)
	return states[i].Reached
}

func tenantsOf(states []models.RetentionState) (names []string) {
	for _, state := range states {
		names = append(names, state.Tenant)
	}
	return slices.Compact(names)
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

const hour = time.Hour

// ending is a pass of the installation in which data from before the time end.
func ending(what models.Expiry, before time.Time) models.Ending {
	e := models.Ending{Expiry: what, At: before.Add(hour)}
	switch what {
	case models.ExpireEvents, models.ExpireRecoveries:
		e.Keep.Events = hour
	case models.ExpirePayloads, models.ExpireLate:
		e.Keep.Payloads = hour
	case models.ExpireAudit:
		e.Keep.Audit = hour
	}
	return e
}

// expire makes a whole pass of the installation.
func (b *bundle) expire(t *testing.T, what models.Expiry, before time.Time) models.Removed {
	t.Helper()
	return b.expireAs(t, ending(what, before))
}

func (b *bundle) expireAs(t *testing.T, e models.Ending) models.Removed {
	t.Helper()
	expected := b.expiring(t, e)
	gone, err := pass(t.Context(), b.Store, e)
	require.NoError(t, err)
	require.Equal(t, expected, gone, "the dry run said so")
	return gone
}

// expireAll makes all passes that there are.
func (b *bundle) expireAll(t *testing.T, keep models.Retention, at time.Time) (gone models.Removed) {
	t.Helper()
	endings, err := b.Endings(t.Context(), keep, at)
	require.NoError(t, err)
	for _, e := range endings {
		gone.Add(b.expireAs(t, e))
	}
	return gone
}

func pass(ctx context.Context, s *store.Store, e models.Ending) (gone models.Removed, err error) {
	for again, over := time.Now(), false; !over; {
		var some models.Removed
		if some, over, err = s.Expire(ctx, e, again); err != nil {
			return gone, err
		}
		gone.Add(some)
	}
	return gone, nil
}

func (b *bundle) expiring(t *testing.T, e models.Ending) (all models.Removed) {
	t.Helper()
	for after := ""; ; {
		some, last, err := b.Expiring(t.Context(), e, after)
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
