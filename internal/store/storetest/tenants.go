package storetest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testTenants(t *testing.T, open Open) {
	run := cases(t, open)

	run("settings come back as they were, and are replaced", func(t *testing.T, b *bundle) {
		none, err := b.Tenant(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, &models.Tenant{Name: b.tenant}, none)
		for _, want := range []*models.Tenant{
			{Name: b.tenant, DeliveryMode: models.ModeInline, MaxSubscriptions: 5, PublishRate: 7}, {Name: b.tenant, PublishRate: 8},
		} {
			require.NoError(t, b.PutTenant(t.Context(), want, models.AuditEntry{Action: models.AuditUpdateTenant, Why: annForATest}))
			got, err := b.Tenant(t.Context(), b.tenant)
			require.NoError(t, err)
			require.Equal(t, want, got)
			remembered, err := b.RememberedTenant(t.Context(), b.tenant)
			require.NoError(t, err)
			require.Equal(t, want, remembered)
			modes, err := b.TenantModes(t.Context())
			require.NoError(t, err)
			require.Equal(t, want.DeliveryMode, modes[b.tenant])
		}
		require.Len(t, b.audit(t, models.AuditFilter{Action: models.AuditUpdateTenant, Subject: b.tenant}), 2)
	})

	run("two subscriptions cannot take the last place", func(t *testing.T, b *bundle) {
		const most = 3
		require.NoError(t, b.PutTenant(t.Context(), &models.Tenant{Name: b.tenant, MaxSubscriptions: most}))
		var refused atomic.Int32
		errs := make([]error, 4*most)
		atOnce(len(errs), func(i int) {
			errs[i] = b.CreateSubscription(t.Context(), b.newSubscription("a"))
			if models.ErrorCode(errs[i]) == models.CodeConflict {
				refused.Add(1)
				errs[i] = nil
			}
		})
		require.NoError(t, errors.Join(errs...))
		require.EqualValues(t, 3*most, refused.Load())
		is, err := b.TenantStanding(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, most, is.Subscriptions)
	})

	run("there is as much of a tenant as is stored", func(t *testing.T, b *bundle) {
		b.subscription(t, "a")
		b.plan(t, b.event(t, "a").ID)
		is, err := b.TenantStanding(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, []int{1, 1, 1}, []int{is.Subscriptions, is.Events, is.Outstanding})
	})
}
