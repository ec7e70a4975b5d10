package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testAudit(t *testing.T, open Open) {
	run := cases(t, open)

	run("an entry comes back as it was", func(t *testing.T, b *bundle) {
		want := &models.AuditEntry{
			ID: models.NewID(models.AuditPrefix), At: time.Now().UTC().Truncate(time.Microsecond), Tenant: b.tenant,
			Action: models.AuditCancelEvent, Subject: "evt_1", Why: annForATest, Origin: b.tenant + "/1",
		}
		require.NoError(t, b.AddAudit(t.Context(), *want))
		require.Equal(t, []*models.AuditEntry{want}, b.audit(t, models.AuditFilter{}))
	})

	run("an entry gets its id and time, and texts that can be stored", func(t *testing.T, b *bundle) {
		why := models.Why{By: "ann\x00", Reason: "\xff"}
		require.NoError(t, b.AddAudit(t.Context(), models.AuditEntry{Tenant: b.tenant, Why: why}))
		e := b.audit(t, models.AuditFilter{})[0]
		require.True(t, models.ValidID(models.AuditPrefix, e.ID))
		require.WithinDuration(t, time.Now(), e.At, time.Minute)
		require.Equal(t, models.Why{By: "ann\uFFFD", Reason: "\uFFFD"}, e.Why)
	})

	run("an origin makes one entry, also at once; none makes one each", func(t *testing.T, b *bundle) {
		for _, entry := range []models.AuditEntry{{Tenant: b.tenant, Origin: b.tenant}, {Tenant: b.tenant}} {
			errs := make([]error, 8)
			atOnce(len(errs), func(i int) { errs[i] = b.AddAudit(t.Context(), entry) })
			require.NoError(t, errors.Join(errs...))
		}
		require.Len(t, b.audit(t, models.AuditFilter{}), 1+8)
	})

	run("a list is paged newest first by each filter", func(t *testing.T, b *bundle) {
		noon := time.Date(2031, 5, 1, 12, 0, 0, 0, time.FixedZone("west", -7*60*60))
		var all []string
		for i := range 6 {
			e := models.AuditEntry{
				ID: models.NewID(models.AuditPrefix), At: noon.Add(time.Duration(i) * time.Microsecond), Tenant: b.tenant,
				Action: []models.AuditAction{models.AuditCancelEvent, models.AuditRotateSecret}[i%2],
				Why:    models.Why{By: []string{"ann", "bob", "cid"}[i%3]}, Subject: b.tenant + []string{"a", "b"}[i/3],
			}
			require.NoError(t, b.AddAudit(t.Context(), e))
			all = append(all, e.ID)
		}
		for _, c := range []struct {
			filter models.AuditFilter
			want   []string
		}{
			{models.AuditFilter{}, all},
			{models.AuditFilter{Action: models.AuditRotateSecret}, []string{all[1], all[3], all[5]}},
			{models.AuditFilter{By: "bob"}, []string{all[1], all[4]}},
			{models.AuditFilter{Subject: b.tenant + "b"}, all[3:]},
			{models.AuditFilter{Subject: b.tenant + "b", By: "bob"}, all[4:5]},
			{models.AuditFilter{Since: noon.Add(time.Microsecond), Until: noon.Add(4 * time.Microsecond)}, all[1:4]},
		} {
			requirePaged(t, c.want, func(p models.Page) ([]*models.AuditEntry, error) {
				c.filter.Tenant, c.filter.Page = b.tenant, p
				return b.Audit(t.Context(), c.filter)
			}, func(e *models.AuditEntry) string { return e.ID })
		}
	})

	run("what is done to a subscription is in the audit, in the same commit", func(t *testing.T, b *bundle) {
		sub := b.newSubscription("*")
		entry := func(action models.AuditAction) models.AuditEntry {
			return models.AuditEntry{Action: action, Why: annForATest}
		}
		require.NoError(t, b.CreateSubscription(t.Context(), sub, entry(models.AuditCreateSubscription)))
		requireCode(t, models.CodeConflict, b.CreateSubscription(t.Context(), sub, entry(models.AuditCreateSubscription)))

		pause := setStatus(models.SubscriptionPaused)
		_, err := b.UpdateSubscription(t.Context(), sub.ID, pause, entry(models.AuditPauseSubscription))
		require.NoError(t, err)
		refused := func(*models.Subscription) error { return errors.New("no") }
		_, err = b.UpdateSubscription(t.Context(), sub.ID, refused, entry(models.AuditUpdateSubscription))
		require.Error(t, err)

		require.NoError(t, b.DeleteSubscription(t.Context(), sub.ID, entry(models.AuditDeleteSubscription)))
		requireCode(t, models.CodeNotFound,
			b.DeleteSubscription(t.Context(), sub.ID, entry(models.AuditDeleteSubscription)))

		b.requireAudit(t, sub.ID,
			models.AuditDeleteSubscription, models.AuditPauseSubscription, models.AuditCreateSubscription)
	})
}

func (b *bundle) audit(t *testing.T, f models.AuditFilter) []*models.AuditEntry {
	t.Helper()
	f.Tenant = b.tenant
	entries, err := b.Audit(t.Context(), f)
	require.NoError(t, err)
	return entries
}
