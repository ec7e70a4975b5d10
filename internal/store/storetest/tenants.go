package storetest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// to is the change after which the settings are the wanted ones.
func to(want *models.Tenant) func(*models.Tenant) error {
	return func(is *models.Tenant) error {
		*is = *want
		return nil
	}
}

func testTenants(t *testing.T, open Open) {
	run := cases(t, open)

	run("settings come back as they were, and are replaced", func(t *testing.T, b *bundle) {
		none, err := b.Tenant(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, &models.Tenant{Name: b.tenant}, none)
		for _, want := range []*models.Tenant{
			{Name: b.tenant, DeliveryMode: models.ModeInline, MaxSubscriptions: 5, PublishRate: 7}, {Name: b.tenant, PublishRate: 8},
		} {
			require.NoError(t, b.UpdateTenant(t.Context(), b.tenant, to(want), models.AuditEntry{Action: models.AuditUpdateTenant, Why: annForATest}))
			got, err := b.Tenant(t.Context(), b.tenant)
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), got.UpdatedAt, time.Minute)
			want.UpdatedAt = got.UpdatedAt
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

	run("a change that fails changes nothing, and one at the same time is not lost", func(t *testing.T, b *bundle) {
		failing := func(tenant *models.Tenant) error {
			tenant.PublishRate = 9
			return models.Invalid("publish_rate", "is refused")
		}
		requireCode(t, models.CodeInvalid, b.UpdateTenant(t.Context(), b.tenant, failing))
		errs := make([]error, 12)
		atOnce(len(errs), func(i int) {
			errs[i] = b.UpdateTenant(t.Context(), b.tenant, func(tenant *models.Tenant) error {
				tenant.PublishRate++
				return nil
			})
		})
		require.NoError(t, errors.Join(errs...))
		got, err := b.Tenant(t.Context(), b.tenant)
		require.NoError(t, err)
		require.Equal(t, len(errs), got.PublishRate)
	})

	run("two subscriptions cannot take the last place", func(t *testing.T, b *bundle) {
		const most = 3
		require.NoError(t, b.UpdateTenant(t.Context(), b.tenant, to(&models.Tenant{Name: b.tenant, MaxSubscriptions: most})))
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
