package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// deliveries stores so many events and their deliveries to the bundle's subscription, and returns the deliveries' ids.
func (b *bundle) deliveries(t *testing.T, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = b.plan(t).DeliveryID
	}
	return ids
}

func told(what string, ids []string) []string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = what + " " + id
	}
	return words
}

// job runs a job to its end.
func (b *bundle) job(t *testing.T, job models.Job) models.Progress {
	t.Helper()
	if job.Rate == 0 {
		job.Rate = models.MaxRate
	}
	b.ExecuteWorkflow(workflows.SteerDeliveriesName, workflows.SteerDeliveriesInput{Job: job})
	require.NoError(t, b.GetWorkflowError())
	var result workflows.SteerDeliveriesResult
	require.NoError(t, b.GetWorkflowResult(&result))
	return result.Progress
}

func TestSteerDeliveries(t *testing.T) {
	t.Parallel()

	for _, action := range []models.JobAction{models.JobCancel, models.JobRedeliver, models.JobResume} {
		t.Run(string(action)+" tells each delivery once, oldest first, over several pages", func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			sub := b.subscribe(t, nil)
			ids := b.deliveries(t, 250)
			progress := b.job(t, models.Job{Action: action, Selection: models.Selection{SubscriptionID: sub.ID}})
			require.Equal(t, told(string(action), ids), b.control.told)
			require.Equal(t, models.Progress{After: ids[249], Done: 250}, progress)
		})
	}

	t.Run("passes over what no longer allows it, and counts it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		ids := b.deliveries(t, 3)
		b.control.refuse = map[string]bool{ids[1]: true}
		progress := b.job(t, models.Job{Action: models.JobCancel, Selection: models.Selection{SubscriptionID: sub.ID}})
		require.Equal(t, told("cancel", []string{ids[0], ids[2]}), b.control.told)
		require.Equal(t, models.Progress{After: ids[2], Done: 2, Skipped: 1}, progress)
	})

	t.Run("goes on where it stopped when Temporal or the database was away", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		ids := b.deliveries(t, 3)
		b.control.fail = 2
		progress := b.job(t, models.Job{Action: models.JobRedeliver, Selection: models.Selection{SubscriptionID: sub.ID}})
		require.Equal(t, told("redeliver", ids), b.control.told)
		require.Equal(t, 3, progress.Done)
	})

	t.Run("starts where the input says that the runs before it have come", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		ids := b.deliveries(t, 3)
		b.ExecuteWorkflow(workflows.SteerDeliveriesName, workflows.SteerDeliveriesInput{
			Job:      models.Job{Action: models.JobCancel, Rate: 100, Selection: models.Selection{SubscriptionID: sub.ID}},
			Progress: models.Progress{After: ids[1], Done: 2},
		})
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, told("cancel", ids[2:]), b.control.told)
	})

	t.Run("resuming tells those again that are still held, and is over when none is", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		ids := b.deliveries(t, 3)
		b.setStatus(t, sub.ID, models.SubscriptionPaused)
		b.setStatus(t, sub.ID, models.SubscriptionActive)
		resuming, err := b.store.Subscription(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Equal(t, models.DefaultRate, resuming.ResumeRate)
		b.RegisterDelayedCallback(func() {
			for _, id := range ids[1:] {
				_, err := b.store.ChangeDelivery(t.Context(), id, models.Change{Act: models.ActRelease, At: b.Now()})
				require.NoError(t, err)
			}
		}, time.Second)
		b.RegisterDelayedCallback(func() {
			_, err := b.store.ChangeDelivery(t.Context(), ids[0], models.Change{Act: models.ActCancel})
			require.NoError(t, err)
		}, 8*time.Second)
		b.job(t, models.ResumeJob(resuming, models.Why{}))
		require.Equal(t, told("resume", append(ids, ids[0])), b.control.told)
		resumed, err := b.store.Subscription(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Zero(t, resumed.ResumeRate)
	})

	t.Run("continues as new after a hundred rounds, with its progress", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		b.deliveries(t, 1)
		b.setStatus(t, sub.ID, models.SubscriptionPaused)
		b.setStatus(t, sub.ID, models.SubscriptionActive)
		b.ExecuteWorkflow(workflows.SteerDeliveriesName, workflows.SteerDeliveriesInput{Job: models.ResumeJob(sub, models.Why{})})
		var again *workflow.ContinueAsNewError
		require.ErrorAs(t, b.GetWorkflowError(), &again)
		require.Equal(t, workflows.SteerDeliveriesName, again.WorkflowType.Name)
		var in workflows.SteerDeliveriesInput
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
		require.Equal(t, models.JobResume, in.Action)
		require.Positive(t, in.Progress.Done)
		require.Len(t, b.control.told, in.Progress.Done)
	})

	t.Run("resuming is over when the subscription is paused again", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		b.deliveries(t, 3)
		b.setStatus(t, sub.ID, models.SubscriptionPaused)
		b.job(t, models.ResumeJob(sub, models.Why{}))
		require.Empty(t, b.control.told)
	})

	t.Run("pausing lets the held deliveries know, as long as it is paused", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		ids := b.deliveries(t, 3)
		b.setStatus(t, sub.ID, models.SubscriptionPaused)
		b.job(t, models.HoldJob(sub, models.Why{}))
		require.Equal(t, told("resume", ids), b.control.told)
	})

	t.Run("pausing lets nobody know any more when it is resumed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		b.deliveries(t, 3)
		b.setStatus(t, sub.ID, models.SubscriptionPaused)
		b.setStatus(t, sub.ID, models.SubscriptionActive)
		b.job(t, models.HoldJob(sub, models.Why{}))
		require.Empty(t, b.control.told)
	})

	t.Run("a recovery keeps its progress in the store and completes", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		ids := b.deliveries(t, 3)
		for _, id := range ids[:2] {
			_, err := b.store.ChangeDelivery(t.Context(), id, models.Change{Act: models.ActCancel})
			require.NoError(t, err)
		}
		r := b.recovery(t, sub.ID, models.RecoverCancelled)
		b.job(t, r.Job())
		require.Equal(t, told("redeliver", ids[:2]), b.control.told)
		require.Equal(t, []string{r.ID + "/" + ids[0], r.ID + "/" + ids[1]}, b.control.origins, "a second time is the same wish")
		done, err := b.store.Recovery(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, models.RecoveryCompleted, done.Status)
		require.Equal(t, models.Progress{After: ids[1], Done: 2}, done.Progress)
	})

	t.Run("a recovery whose row is older than its workflow goes on where the row is", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		ids := b.deliveries(t, 3)
		for _, id := range ids {
			_, err := b.store.ChangeDelivery(t.Context(), id, models.Change{Act: models.ActCancel})
			require.NoError(t, err)
		}
		r := b.recovery(t, sub.ID, models.RecoverCancelled)
		_, err := b.store.SaveProgress(t.Context(), r.ID, models.Progress{After: ids[0], Done: 1})
		require.NoError(t, err)
		b.ExecuteWorkflow(workflows.SteerDeliveriesName, workflows.SteerDeliveriesInput{
			Job: r.Job(), Progress: models.Progress{After: ids[1], Done: 2},
		})
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, told("redeliver", ids[1:]), b.control.told)
	})

	for name, end := range map[string]func(t *testing.T, b *bundle, id string){
		"disabled": func(t *testing.T, b *bundle, id string) { t.Helper(); b.setStatus(t, id, models.SubscriptionDisabled) },
		"deleted": func(t *testing.T, b *bundle, id string) {
			t.Helper()
			require.NoError(t, b.store.DeleteSubscription(t.Context(), id))
		},
	} {
		t.Run("a recovery of a subscription that is "+name+" is cancelled, and leaves the rest as it is", func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			sub := b.subscribe(t, nil)
			id := b.deliveries(t, 1)[0]
			_, err := b.store.ChangeDelivery(t.Context(), id, models.Change{Act: models.ActExhaust})
			require.NoError(t, err)
			r := b.recovery(t, sub.ID, models.RecoverExhausted)
			end(t, b, sub.ID)
			b.job(t, r.Job())
			require.Empty(t, b.control.told)
			over, err := b.store.Recovery(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, models.RecoveryCancelled, over.Status)
		})
	}

	t.Run("a recovery of missing deliveries makes and starts them", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		event := b.publish(t)
		_, err := b.store.PlanDeliveries(t.Context(), event.ID, nil)
		require.NoError(t, err)
		sub := b.subscribe(t, nil)
		b.job(t, b.recovery(t, sub.ID, models.RecoverMissing).Job())
		made, err := b.store.Deliveries(t.Context(), models.DeliveryFilter{SubscriptionID: sub.ID})
		require.NoError(t, err)
		require.Len(t, made, 1)
		require.Equal(t, event.ID, made[0].EventID)
		require.Equal(t, []string{"begin " + made[0].ID}, b.control.told)
	})

	t.Run("a recovery that was cancelled stops", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		b.deliveries(t, 250)
		r := b.recovery(t, sub.ID, models.RecoverExhausted)
		_, err := b.store.FinishRecovery(t.Context(), r.ID, models.RecoveryCancelled)
		require.NoError(t, err)
		job := r.Job()
		job.Selection.Statuses = nil
		b.job(t, job)
		require.Empty(t, b.control.told)
	})

	t.Run("a recovery whose workflow is cancelled in Temporal is cancelled", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sub := b.subscribe(t, nil)
		r := b.recovery(t, sub.ID, models.RecoverExhausted)
		b.RegisterDelayedCallback(b.CancelWorkflow, 0)
		b.ExecuteWorkflow(workflows.SteerDeliveriesName, workflows.SteerDeliveriesInput{Job: r.Job()})
		requireCanceled(t, b.GetWorkflowError())
		cancelled, err := b.store.Recovery(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, models.RecoveryCancelled, cancelled.Status)
	})
}

func (b *bundle) recovery(t *testing.T, subscriptionID string, of models.RecoveryOf) *models.Recovery {
	t.Helper()
	r := models.NewRecovery(models.Recovery{
		Tenant: models.DefaultTenant, SubscriptionID: subscriptionID, Of: of, Since: b.Now().Add(-time.Hour),
		Rate: models.MaxRate,
	}, b.Now().Add(time.Minute))
	require.NoError(t, r.Validate())
	require.NoError(t, b.store.CreateRecovery(t.Context(), r))
	return r
}
