package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// TestCancelOfAStop sends what the job of a stop sends, together with redeliveries from before and after the stop.
func TestCancelOfAStop(t *testing.T) {
	t.Parallel()
	stop := workflows.CancelSignal{Reason: "wrong prices", By: "Jo", Before: 2}
	earlier, later := workflows.RedeliverSignal{By: "Jo", After: 1, Epoch: 1}, workflows.RedeliverSignal{By: "Jo", After: 1, Epoch: 2}
	for name, tt := range map[string]struct {
		signals   func(b *bundle)
		delivered bool
	}{
		"alone":                               {func(b *bundle) { b.SignalWorkflow(workflows.SignalCancel, stop) }, false},
		"with a redelivery from before it":    {both(earlier, stop), false},
		"with one from after it":              {both(later, stop), true},
		"with one from after it, and by hand": {func(b *bundle) { both(later, stop)(b); b.SignalWorkflow(workflows.SignalCancel, nil) }, false},
		"after one from after it": {func(b *bundle) {
			b.SignalWorkflow(workflows.SignalRedeliver, later)
			b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.SignalCancel, stop) }, time.Minute)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, answers(500, 500, 204)...)
			sub := b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{day, day} })
			in := b.plan(t)
			b.RegisterDelayedCallback(func() {
				_, err := b.store.CancelWaiting(t.Context(), sub.ID, models.Why{By: "Jo"})
				require.NoError(t, err)
				tt.signals(b)
			}, time.Hour)
			b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
			if !tt.delivered {
				requireCanceled(t, b.GetWorkflowError())
				require.Len(t, b.receiver.times, 1)
				return
			}
			require.NoError(t, b.GetWorkflowError())
			require.Equal(t, models.DeliveryDelivered, b.delivery(t, in.DeliveryID).Status)
			require.Len(t, b.receiver.times, 3)
			require.Greater(t, b.receiver.gaps()[1], 12*time.Hour, "what passed over it did not hurry it")
		})
	}
}

func both(redeliver workflows.RedeliverSignal, stop workflows.CancelSignal) func(*bundle) {
	return func(b *bundle) {
		b.SignalWorkflow(workflows.SignalRedeliver, redeliver)
		b.SignalWorkflow(workflows.SignalCancel, stop)
	}
}
