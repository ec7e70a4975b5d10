package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testRecoveries(t *testing.T, open Open) {
	run := cases(t, open)

	run("a recovery comes back as it was", func(t *testing.T, b *bundle) {
		r := b.recovery(t, "sub_1")
		stored, err := b.Recovery(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r, stored)
		b.requireAudit(t, r.ID, models.AuditStartRecovery)
	})

	run("an unknown id is not found by any verb", func(t *testing.T, b *bundle) {
		_, err := b.Recovery(t.Context(), "rcv_none")
		requireCode(t, models.CodeNotFound, err)
		_, err = b.SaveProgress(t.Context(), "rcv_none", models.Progress{})
		requireCode(t, models.CodeNotFound, err)
		_, err = b.FinishRecovery(t.Context(), "rcv_none", models.RecoveryCompleted)
		requireCode(t, models.CodeNotFound, err)
	})

	run("a subscription has one running recovery, also at once", func(t *testing.T, b *bundle) {
		for round := range rounds {
			errs := make([]error, 8)
			made := make([]*models.Recovery, len(errs))
			for i := range made {
				made[i] = b.newRecovery(b.tenant)
			}
			atOnce(len(errs), func(i int) { errs[i] = b.CreateRecovery(t.Context(), made[i]) })
			running, err := b.Recoveries(t.Context(), models.RecoveryFilter{
				SubscriptionID: b.tenant, Status: models.RecoveryRunning,
			})
			require.NoError(t, err)
			require.Len(t, running, 1)
			for i, err := range errs {
				if made[i].ID == running[0].ID {
					require.NoError(t, err)
					continue
				}
				requireCode(t, models.CodeConflict, err)
				require.ErrorContains(t, err, running[0].ID)
			}
			_, err = b.FinishRecovery(t.Context(), running[0].ID, models.RecoveryCompleted)
			require.NoError(t, err)
			all, err := b.Recoveries(t.Context(), models.RecoveryFilter{SubscriptionID: b.tenant})
			require.NoError(t, err)
			require.Len(t, all, round+1)
		}
	})

	run("a taken id is a conflict, and the audit does not tell of it", func(t *testing.T, b *bundle) {
		r := b.recovery(t, "sub_taken")
		again := *r
		again.SubscriptionID = "sub_other"
		entry := models.AuditEntry{Action: models.AuditStartRecovery}
		requireCode(t, models.CodeConflict, b.CreateRecovery(t.Context(), &again, entry))
		again.ID, again.SubscriptionID = models.NewID(models.RecoveryPrefix), r.SubscriptionID
		requireCode(t, models.CodeConflict, b.CreateRecovery(t.Context(), &again, entry))
		b.requireAudit(t, r.ID, models.AuditStartRecovery)
		b.requireAudit(t, again.ID)
	})

	run("progress is saved while it runs", func(t *testing.T, b *bundle) {
		r := b.recovery(t, "sub_progress")
		r.Progress = models.Progress{After: "dlv_9", Done: 3, Skipped: 2}
		status, err := b.SaveProgress(t.Context(), r.ID, r.Progress)
		require.NoError(t, err)
		require.Equal(t, models.RecoveryRunning, status)
		stored, err := b.Recovery(t.Context(), r.ID)
		require.NoError(t, err)
		require.True(t, stored.UpdatedAt.After(r.UpdatedAt))
		r.UpdatedAt = stored.UpdatedAt
		require.Equal(t, r, stored)

		finished, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryCancelled)
		require.NoError(t, err)
		status, err = b.SaveProgress(t.Context(), r.ID, models.Progress{})
		require.NoError(t, err)
		require.Equal(t, models.RecoveryCancelled, status)
		stored, err = b.Recovery(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, finished, stored)
	})

	run("a recovery finishes once", func(t *testing.T, b *bundle) {
		r := b.recovery(t, "sub_finish")
		_, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryRunning)
		requireCode(t, models.CodeInvalid, err)

		entry := models.AuditEntry{Action: models.AuditCancelRecovery}
		finished, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryCancelled, entry)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), finished.FinishedAt, time.Minute)
		r.Status, r.FinishedAt, r.UpdatedAt = models.RecoveryCancelled, finished.FinishedAt, finished.UpdatedAt
		require.Equal(t, r, finished)

		again, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryCompleted, entry)
		require.NoError(t, err)
		require.Equal(t, finished, again)
		b.requireAudit(t, r.ID, models.AuditCancelRecovery, models.AuditStartRecovery)
	})

	run("a list is paged newest first by each filter", func(t *testing.T, b *bundle) {
		var all, completed []string
		for i := range 7 {
			r := b.recovery(t, models.NewID("sub_"))
			if all = append(all, r.ID); i%2 == 0 {
				completed = append(completed, r.ID)
				_, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryCompleted)
				require.NoError(t, err)
			}
		}
		for status, want := range map[models.RecoveryStatus][]string{"": all, models.RecoveryCompleted: completed} {
			requirePaged(t, want, func(p models.Page) ([]*models.Recovery, error) {
				return b.Recoveries(t.Context(), models.RecoveryFilter{Tenant: b.tenant, Status: status, Page: p})
			}, recoveryID)
		}
	})
}

// testRunningRecoveries has a database of its own, because the list sees all tenants.
func testRunningRecoveries(t *testing.T, open Open) {
	b := &bundle{Store: migrated(t, open), tenant: "one"}
	want := []string{}
	for i := range 6 {
		r := b.recovery(t, models.NewID("sub_"))
		if i != 2 {
			want = append(want, r.ID)
			continue
		}
		_, err := b.FinishRecovery(t.Context(), r.ID, models.RecoveryCancelled)
		require.NoError(t, err)
	}
	requireSwept(t, want, func(after string, limit int) ([]*models.Recovery, error) {
		return b.RunningRecoveries(t.Context(), after, limit)
	}, recoveryID)
}

func (b *bundle) newRecovery(subscriptionID string) *models.Recovery {
	r := models.NewRecovery(models.Recovery{
		Tenant: b.tenant, SubscriptionID: subscriptionID, Of: models.RecoverCancelled, Rate: 7, Why: annForATest,
		Since: time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond),
	}, time.Now())
	r.Total = 42
	return r
}

// recovery makes a running recovery.
func (b *bundle) recovery(t *testing.T, subscriptionID string) *models.Recovery {
	t.Helper()
	r := b.newRecovery(subscriptionID)
	require.NoError(t, r.Validate())
	require.NoError(t, b.CreateRecovery(t.Context(), r, models.AuditEntry{Action: models.AuditStartRecovery}))
	return r
}

func recoveryID(r *models.Recovery) string { return r.ID }
