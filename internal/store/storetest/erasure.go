package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// eraseAll erases until nothing is left.
func (b *bundle) eraseAll(t *testing.T, id string) {
	t.Helper()
	for over := false; !over; {
		var err error
		over, err = b.EraseSome(t.Context(), id)
		require.NoError(t, err)
	}
	require.NoError(t, b.FinishErasure(t.Context(), id, 7))
}

func testErasure(t *testing.T, open Open) {
	run := cases(t, open)

	run("nothing of a tenant is left but the erasure, and nothing of another is gone", func(t *testing.T, b *bundle) {
		other := &bundle{Store: b.Store, tenant: models.NewID("tenant_")}
		for _, of := range []*bundle{b, other} {
			d := of.delivery(t)
			require.NoError(t, of.RecordAttempt(t.Context(), newAttempt(d, 1), models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now()}))
			of.publish(t, of.keyed("key", `{}`))
			of.source(t)
			of.apiKey(t)
			of.recovery(t, d.SubscriptionID)
			_, err := of.CancelWaiting(t.Context(), d.SubscriptionID, annForATest)
			require.NoError(t, err)
			require.NoError(t, of.UpdateTenant(t.Context(), of.tenant, to(&models.Tenant{Name: of.tenant, PublishRate: 5})))
		}
		erasure, err := b.EraseTenant(t.Context(), b.tenant, annForATest)
		require.NoError(t, err)
		again, err := b.EraseTenant(t.Context(), b.tenant, annForATest)
		require.NoError(t, err)
		require.Equal(t, erasure.ID, again.ID, "it is under way")
		late := b.event(t, "late")
		b.eraseAll(t, erasure.ID)

		is, err := b.TenantStanding(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, models.TenantStanding{Tenant: models.Tenant{Name: b.tenant}, Events: 1}, *is)
		_, err = b.Event(t.Context(), late.ID)
		require.NoError(t, err, "it was published after the erasure was asked for")
		for _, entry := range b.audit(t, models.AuditFilter{}) {
			require.Equal(t, models.AuditEraseTenant, entry.Action)
		}
		require.Empty(t, b.stats(t, models.StatsFilter{Until: time.Now().Add(time.Hour), Since: time.Unix(0, 0)}))
		sources, err := b.Sources(t.Context(), models.SourceFilter{Tenant: b.tenant})
		require.NoError(t, err)
		require.Empty(t, sources)
		keys, err := b.APIKeys(t.Context(), models.APIKeyFilter{Tenant: b.tenant})
		require.NoError(t, err)
		require.Empty(t, keys)
		created := b.publish(t, b.keyed("key", `{"another":1}`))
		require.NoError(t, created.Err)
		require.False(t, created.Duplicate, "its idempotency keys are free")

		done, err := b.Erasure(t.Context(), erasure.ID)
		require.NoError(t, err)
		require.Equal(t, []int{2, 1, 1, 7}, []int{done.Events, done.Deliveries, done.Attempts, done.Workflows})
		require.False(t, done.FinishedAt.IsZero())

		left, err := other.TenantStanding(t.Context(), other.tenant)
		require.NoError(t, err)
		require.Equal(t, []int{1, 2, 5}, []int{left.Subscriptions, left.Events, left.PublishRate})
		require.NotEmpty(t, other.audit(t, models.AuditFilter{}))
	})

	run("an event with an open delivery is erased only with its cancellation", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		event, err := b.Event(t.Context(), d.EventID)
		require.NoError(t, err)
		_, err = b.EraseEvent(t.Context(), event, false, annForATest)
		requireCode(t, models.CodeConflict, err)
		erasure, err := b.EraseEvent(t.Context(), event, true, annForATest)
		require.NoError(t, err)
		require.NotNil(t, b.work(t, d).Stopped)
		b.eraseAll(t, erasure.ID)
		_, err = b.Event(t.Context(), d.EventID)
		requireCode(t, models.CodeNotFound, err)
		_, err = b.Subscription(t.Context(), d.SubscriptionID)
		require.NoError(t, err)
		erased, err := b.Erased(t.Context(), []string{d.EventID}, []string{d.ID})
		require.NoError(t, err)
		require.Equal(t, map[string]bool{d.EventID: true, d.ID: true}, erased)
	})
}
