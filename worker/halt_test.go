package worker_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
)

// describe says how all workflows stand from now on.
func (e *engine) describe(status enumspb.WorkflowExecutionStatus, paused *workflowpb.PendingActivityInfo_PauseInfo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.described = &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: status},
		PendingActivities:     []*workflowpb.PendingActivityInfo{{Paused: paused != nil, PauseInfo: paused}},
	}
}

// TestPausedInTemporal pauses a delivery's activity as the Web UI does, and lets it go again.
func TestPausedInTemporal(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.subscribe(t, "acme", 1)
		event := b.accept(t, "acme", 1)[0]
		require.NoError(t, b.plan(event.ID))
		delivery := func() *models.Delivery {
			all, err := b.Deliveries(t.Context(), models.DeliveryFilter{EventID: event.ID})
			require.NoError(t, err)
			require.Len(t, all, 1)
			return all[0]
		}
		halted := func(words string) func() bool { return func() bool { return delivery().Halted == words } }
		by := &workflowpb.PendingActivityInfo_PauseInfo_Manual{Identity: "jo@example.com", Reason: "wrong prices"}
		b.describe(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, &workflowpb.PendingActivityInfo_PauseInfo{
			PausedBy: &workflowpb.PendingActivityInfo_PauseInfo_Manual_{Manual: by},
		})
		b.run(t, worker.NewDispatcher(worker.DispatcherOptions{
			Client: b.engine, Store: b.Store, Control: worker.NewControl(b.engine, b.Store), Logger: slog.New(slog.DiscardHandler),
			ReviveEvery: 20 * time.Millisecond, OverdueAfter: time.Nanosecond, JobsEvery: time.Hour,
		}))
		require.Eventually(t, halted("paused in Temporal by jo@example.com: wrong prices"), limit, 10*time.Millisecond)
		require.Never(t, func() bool { return !halted("paused in Temporal by jo@example.com: wrong prices")() }, 200*time.Millisecond, 20*time.Millisecond)
		entries, err := b.Audit(t.Context(), models.AuditFilter{Subject: delivery().ID})
		require.NoError(t, err)
		require.Len(t, entries, 1, "however often it is seen")
		require.Equal(t, models.AuditHaltDelivery, entries[0].Action)
		require.Equal(t, models.Why{By: "jo@example.com", Reason: "wrong prices"}, entries[0].Why)

		b.describe(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil)
		require.Eventually(t, halted(""), limit, 10*time.Millisecond)
		b.describe(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, &workflowpb.PendingActivityInfo_PauseInfo{})
		require.Eventually(t, halted("paused in Temporal by somebody"), limit, 10*time.Millisecond)
	})
}
