package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/posthaste/posthaste/models"
)

// ward is a store of things that need their workflows, and a Temporal that starts them unless they are bad.
type ward struct {
	Store
	client.Client
	deliveries    []*models.Delivery
	subscriptions []*models.Subscription
	recoveries    []*models.Recovery
	bad           string // in the ids of workflows whose start fails
	workflow      *workflowservice.DescribeWorkflowExecutionResponse

	mu       sync.Mutex
	started  []string
	signals  []string
	accepted map[string]bool
	ended    bool // the workflows of events have ended
}

func after[T any](rows []T, id func(T) string, after string, limit int) []T {
	rows = slices.DeleteFunc(slices.Clone(rows), func(row T) bool { return id(row) <= after })
	return rows[:min(limit, len(rows))]
}

func (w *ward) OverdueDeliveries(_ context.Context, before time.Time, last string, limit int) ([]*models.Delivery, error) {
	due := slices.DeleteFunc(slices.Clone(w.deliveries), func(d *models.Delivery) bool { return !d.NextAttemptAt.Before(before) })
	return after(due, func(d *models.Delivery) string { return d.ID }, last, limit), nil
}

func (w *ward) ResumingSubscriptions(_ context.Context, last string, limit int) ([]*models.Subscription, error) {
	return after(w.subscriptions, func(s *models.Subscription) string { return s.ID }, last, limit), nil
}

func (w *ward) WalkingStops(context.Context, string, int) ([]*models.Stop, error) { return nil, nil }

func (w *ward) RunningRecoveries(_ context.Context, last string, limit int) ([]*models.Recovery, error) {
	return after(w.recoveries, func(r *models.Recovery) string { return r.ID }, last, limit), nil
}

func (w *ward) Accepted(_ context.Context, id string) (bool, error) { return w.accepted[id], nil }

func (w *ward) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if w.workflow == nil {
		return nil, serviceerror.NewNotFound("none")
	}
	return w.workflow, nil
}

func (w *ward) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended && o.WorkflowIDReusePolicy != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("ended", "", "")
	}
	if w.bad != "" && strings.Contains(o.ID, w.bad) {
		return nil, errors.New("no")
	}
	w.started = append(w.started, o.ID)
	return nil, nil
}

func (w *ward) SignalWithStartWorkflow(
	_ context.Context, id, signal string, _ any, _ client.StartWorkflowOptions, _ any, _ ...any,
) (client.WorkflowRun, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signals = append(w.signals, signal+" "+id)
	return nil, nil
}

func (w *ward) dispatcher() *Dispatcher {
	return NewDispatcher(DispatcherOptions{
		Client: w, Control: NewControl(w, nil), Store: w, Logger: slog.New(slog.DiscardHandler),
	})
}

// TestWhatCannotBeStartedHoldsUpNothingAfterIt has many more fail than are tried before a round is given up.
func TestWhatCannotBeStartedHoldsUpNothingAfterIt(t *testing.T) {
	t.Parallel()
	w := &ward{bad: "bad"}
	for i := range 3 * sweepPage {
		id := fmt.Sprintf("%04d", i)
		if i%sweepPage < sweepPage/10 {
			id += "bad"
		}
		w.deliveries = append(w.deliveries, &models.Delivery{ID: "dlv_" + id})
		w.subscriptions = append(w.subscriptions, &models.Subscription{ID: "sub_" + id, ResumeRate: 1})
		w.recoveries = append(w.recoveries, &models.Recovery{ID: "rec_" + id, SubscriptionID: id})
	}
	d := w.dispatcher()
	revive, jobs := d.reviver(), d.jobs()
	for range 10 {
		revive(t.Context())
		jobs(t.Context())
	}
	slices.Sort(w.started)
	require.Len(t, slices.Compact(w.started), 3*3*sweepPage*9/10)
}

func TestWhatNobodyTouchedIsRevivedWhenItIsDue(t *testing.T) {
	t.Parallel()
	at := func(in time.Duration) time.Time { return time.Now().Add(in) }
	w := &ward{deliveries: []*models.Delivery{
		{ID: "dlv_1", UpdatedAt: at(-time.Hour), NextAttemptAt: at(-time.Minute)},
		{ID: "dlv_2", UpdatedAt: at(-time.Hour), NextAttemptAt: at(time.Minute)},
		{ID: "dlv_3", UpdatedAt: at(time.Hour), NextAttemptAt: at(-time.Minute)},
		{ID: "dlv_4", UpdatedAt: at(time.Hour), NextAttemptAt: at(-time.Hour)},
	}}
	revive := w.dispatcher().reviver()
	revive(t.Context())
	require.ElementsMatch(t, []string{"delivery/dlv_1", "delivery/dlv_4"}, w.started)
	w.started, w.deliveries[1].NextAttemptAt = nil, at(-4*time.Second)
	revive(t.Context())
	require.ElementsMatch(t, []string{"delivery/dlv_1", "delivery/dlv_2", "delivery/dlv_4"}, w.started)
}

// TestRevive says what is done to a delivery that is overdue, by what its workflow is doing.
func TestRevive(t *testing.T) {
	t.Parallel()
	running, paused := enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	activity := func(state enumspb.PendingActivityState, in time.Duration, paused bool) *workflowpb.PendingActivityInfo {
		return &workflowpb.PendingActivityInfo{State: state, ScheduledTime: timestamppb.New(time.Now().Add(in)), Paused: paused}
	}
	const scheduled, started = enumspb.PENDING_ACTIVITY_STATE_SCHEDULED, enumspb.PENDING_ACTIVITY_STATE_STARTED
	for name, tt := range map[string]struct {
		is         enumspb.WorkflowExecutionStatus
		activity   *workflowpb.PendingActivityInfo
		task       bool
		start, say bool
	}{
		"completed":                        {is: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, start: true},
		"failed":                           {is: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, start: true},
		"terminated":                       {is: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, start: true},
		"unknown":                          {start: true},
		"keeps a dead letter":              {is: running, say: true},
		"waits for a retry long after":     {is: running, activity: activity(scheduled, time.Hour, false), say: true},
		"waits for a worker":               {is: running, activity: activity(scheduled, -time.Minute, false)},
		"waits for a retry soon":           {is: running, activity: activity(scheduled, 10*time.Second, false)},
		"makes the attempt":                {is: running, activity: activity(started, -time.Minute, false)},
		"is about to decide":               {is: running, task: true},
		"its activity paused by somebody":  {is: running, activity: activity(scheduled, time.Hour, true)},
		"the workflow paused by somebody":  {is: paused},
		"an activity that is being paused": {is: running, activity: activity(enumspb.PENDING_ACTIVITY_STATE_PAUSED, time.Hour, false)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &ward{}
			if tt.is != enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
				w.workflow = &workflowservice.DescribeWorkflowExecutionResponse{
					WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: tt.is},
				}
				if tt.activity != nil {
					w.workflow.PendingActivities = []*workflowpb.PendingActivityInfo{tt.activity}
				}
				if tt.task {
					w.workflow.PendingWorkflowTask = &workflowpb.PendingWorkflowTaskInfo{}
				}
			}
			_, err := NewControl(w, nil).Revive(t.Context(), &models.Delivery{ID: "dlv_1"})
			require.NoError(t, err)
			require.Equal(t, tt.start, len(w.started) == 1)
			require.Equal(t, tt.say, slices.Equal(w.signals, []string{"redeliver delivery/dlv_1"}))
		})
	}
}

func TestEventWhoseWorkflowHasEndedIsStartedAgainIfItIsAccepted(t *testing.T) {
	t.Parallel()
	w := &ward{ended: true, accepted: map[string]bool{"evt_1": true}}
	d := w.dispatcher()
	for _, id := range []string{"evt_1", "evt_2"} {
		event := &models.Event{ID: id, Tenant: "a"}
		require.True(t, d.backlog.Admit(event))
		require.NoError(t, d.start(t.Context(), []*models.Event{event}))
	}
	require.Equal(t, []string{"event/evt_1"}, w.started, "the other one is planned, by another process")
}
