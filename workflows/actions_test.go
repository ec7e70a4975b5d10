package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// actAt is when the tests act; lookAt, when they look what came of it.
const (
	actAt  = time.Hour
	lookAt = 2 * time.Hour
)

// stage brings a delivery into a status by the time actAt. The last of its answers is 204: whatever makes one more
// attempt delivers.
type stage struct {
	answers  []int
	schedule models.Schedule
	before   func(t *testing.T, b *bundle, in *workflows.DeliverToSubscriberInput) // the workflow starts
	paused   time.Duration                                                         // when the subscription is paused; 0: never
	attempts int                                                                   // made by actAt
}

// stages are all statuses that a delivery can have while somebody acts on it. The closed ones are those of a run that has
// ended: to act on them is to start another one.
var stages = map[string]stage{
	"waiting":               {answers: []int{500, 204}, schedule: models.Schedule{day}, attempts: 1},
	"waiting after local":   {answers: []int{500, 204}, schedule: models.Schedule{day}, before: locally, attempts: 1},
	"held from the start":   {answers: []int{204}, before: paused},
	"held while waiting":    {answers: []int{500, 204}, schedule: models.Schedule{30 * time.Minute}, paused: time.Minute, attempts: 1},
	"exhausted and kept":    {answers: []int{500, 500, 204}, schedule: models.Schedule{time.Minute}, attempts: 2},
	"delivered and closed":  {answers: []int{204}, before: closedAs(models.DeliveryDelivered), attempts: 1},
	"exhausted and closed":  {answers: []int{204}, before: closedAs(models.DeliveryExhausted), attempts: 1},
	"cancelled and closed":  {answers: []int{204}, before: closedAs(models.DeliveryCancelled), attempts: 1},
	"cancelled, no attempt": {answers: []int{204}, before: cancelledAtOnce},
}

func locally(_ *testing.T, _ *bundle, in *workflows.DeliverToSubscriberInput) { in.Local = true }

func paused(t *testing.T, b *bundle, in *workflows.DeliverToSubscriberInput) {
	t.Helper()
	b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused)
}

// closedAs records what an earlier run did, and makes the run one that redelivers.
func closedAs(status models.DeliveryStatus) func(*testing.T, *bundle, *workflows.DeliverToSubscriberInput) {
	return func(t *testing.T, b *bundle, in *workflows.DeliverToSubscriberInput) {
		t.Helper()
		attempt := &models.Attempt{DeliveryID: in.DeliveryID, Number: 1, StartedAt: b.Now(), Exchange: answer(500)}
		require.NoError(t, b.store.Store.RecordAttempt(t.Context(), attempt, models.DeliveryOutcome{Status: status}))
		in.Redelivery = true
	}
}

func cancelledAtOnce(t *testing.T, b *bundle, in *workflows.DeliverToSubscriberInput) {
	t.Helper()
	_, err := b.store.ChangeDelivery(t.Context(), in.DeliveryID, models.Change{Act: models.ActCancel, Why: models.Why{By: "ops"}})
	require.NoError(t, err)
	in.Redelivery = true
}

// action is what an operator does at actAt.
type action func(t *testing.T, b *bundle, in workflows.DeliverToSubscriberInput)

var actions = map[string]action{
	"nothing": func(*testing.T, *bundle, workflows.DeliverToSubscriberInput) {},
	"cancel": func(_ *testing.T, b *bundle, _ workflows.DeliverToSubscriberInput) {
		b.SignalWorkflow(workflows.SignalCancel, workflows.CancelSignal{Reason: "wrong data", By: "ops"})
	},
	"cancel in Temporal": func(_ *testing.T, b *bundle, _ workflows.DeliverToSubscriberInput) { b.CancelWorkflow() },
	"redeliver": func(t *testing.T, b *bundle, in workflows.DeliverToSubscriberInput) {
		t.Helper()
		b.SignalWorkflow(workflows.SignalRedeliver, workflows.RedeliverSignal{
			By: "ops", Reason: "mended", After: b.delivery(t, in.DeliveryID).Attempts,
		})
	},
	"resume signal": func(_ *testing.T, b *bundle, _ workflows.DeliverToSubscriberInput) {
		b.SignalWorkflow(workflows.SignalResume, nil)
	},
	"pause": func(t *testing.T, b *bundle, in workflows.DeliverToSubscriberInput) {
		t.Helper()
		b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused)
	},
	"resume": func(t *testing.T, b *bundle, in workflows.DeliverToSubscriberInput) {
		t.Helper()
		b.setStatus(t, in.SubscriptionID, models.SubscriptionActive)
		b.SignalWorkflow(workflows.SignalResume, nil) // which is what the job does
	},
	"disable": func(t *testing.T, b *bundle, in workflows.DeliverToSubscriberInput) {
		t.Helper()
		b.setStatus(t, in.SubscriptionID, models.SubscriptionDisabled)
		b.SignalWorkflow(workflows.SignalResume, nil)
	},
}

// outcome is how a delivery stands at lookAt, with how many attempts more than at actAt.
type outcome struct {
	status models.DeliveryStatus
	more   int
}

var (
	delivers  = outcome{models.DeliveryDelivered, 1}
	cancels   = outcome{models.DeliveryCancelled, 0}
	waits     = outcome{models.DeliveryPending, 0}
	holds     = outcome{models.DeliveryHeld, 0}
	exhausted = outcome{models.DeliveryExhausted, 0}
)

// TestActionsByStatus is the table of every action in every status.
func TestActionsByStatus(t *testing.T) {
	t.Parallel()
	closed := map[string]outcome{"redeliver": delivers} // all that a closed delivery allows
	for name, wanted := range map[string]map[string]outcome{
		"waiting": {
			"nothing": waits, "cancel": cancels, "cancel in Temporal": cancels, "redeliver": delivers,
			"resume signal": waits, "pause": holds, "resume": waits, "disable": waits,
		},
		"waiting after local": {
			"nothing": waits, "cancel": cancels, "cancel in Temporal": cancels, "redeliver": delivers,
			"resume signal": waits, "pause": holds, "resume": waits, "disable": waits,
		},
		"held from the start": {
			"nothing": holds, "cancel": cancels, "cancel in Temporal": cancels, "redeliver": holds,
			"resume signal": holds, "pause": holds, "resume": delivers, "disable": cancels,
		},
		"held while waiting": {
			"nothing": holds, "cancel": cancels, "cancel in Temporal": cancels, "redeliver": holds,
			"resume signal": holds, "pause": holds, "resume": delivers, "disable": cancels,
		},
		"exhausted and kept": {
			"nothing": exhausted, "cancel": cancels, "cancel in Temporal": cancels, "redeliver": delivers,
			"resume signal": exhausted, "pause": exhausted, "resume": exhausted, "disable": exhausted,
		},
		"delivered and closed":  closed,
		"exhausted and closed":  closed,
		"cancelled and closed":  closed,
		"cancelled, no attempt": closed,
	} {
		for what, want := range wanted {
			t.Run(what+" when "+name, func(t *testing.T) {
				t.Parallel()
				playAction(t, stages[name], actions[what], want)
			})
		}
	}
}

func playAction(t *testing.T, s stage, act action, want outcome) {
	t.Helper()
	b := setup(t, answers(s.answers...)...)
	b.subscribe(t, func(sub *models.Subscription) { sub.RetrySchedule = s.schedule })
	in := b.plan(t)
	when := actAt
	if s.before != nil {
		s.before(t, b, &in)
	}
	if in.Redelivery {
		when = 0 // the signal that starts the run
	}
	if s.paused > 0 {
		b.RegisterDelayedCallback(func() { b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused) }, s.paused)
	}
	b.RegisterDelayedCallback(func() {
		require.Equal(t, s.attempts, b.delivery(t, in.DeliveryID).Attempts)
		act(t, b, in)
	}, when)
	b.RegisterDelayedCallback(func() {
		requireOutcome(t, b, in.DeliveryID, want, s.attempts)
		b.CancelWorkflow() // so that the test ends
	}, lookAt)
	b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
	require.True(t, b.IsWorkflowCompleted())
	if d := b.delivery(t, in.DeliveryID); d.Status == models.DeliveryDelivered {
		requireOutcome(t, b, in.DeliveryID, want, s.attempts)
		require.NoError(t, b.GetWorkflowError())
	} else {
		require.Equal(t, models.DeliveryCancelled, d.Status)
		requireCanceled(t, b.GetWorkflowError())
	}
}

// requireOutcome also checks that attempt numbers have neither gaps nor doubles.
func requireOutcome(t *testing.T, b *bundle, id string, want outcome, before int) {
	t.Helper()
	d := b.delivery(t, id)
	require.Equal(t, want.status, d.Status)
	require.Equal(t, before+want.more, d.Attempts)
	recorded := b.attempts(t, id)
	require.Len(t, recorded, d.Attempts)
	for i, a := range recorded {
		require.Equal(t, i+1, a.Number)
	}
}

// setStatus is what PATCH does.
func (b *bundle) setStatus(t *testing.T, id string, status models.SubscriptionStatus) {
	t.Helper()
	_, err := b.store.UpdateSubscription(t.Context(), id, func(s *models.Subscription) error {
		s.Status = status
		return nil
	})
	require.NoError(t, err)
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()

	t.Run("an exhausted delivery is kept open for the hold and then closes as failed", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Minute} })
		in := b.plan(t)
		start := b.Now()
		b.RegisterDelayedCallback(func() {
			require.Equal(t, models.DeliveryExhausted, b.delivery(t, in.DeliveryID).Status)
			require.Equal(t, models.DeliveryExhausted, b.state(t).Status)
		}, hold-time.Hour)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireApplicationError(t, b.GetWorkflowError(), activities.Exhausted)
		require.WithinDuration(t, start.Add(time.Minute+hold), b.Now(), 10*time.Second)
	})

	t.Run("a redelivery that fails starts the schedule anew, and the numbers go on", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Minute, time.Hour} })
		in := b.plan(t)
		b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.SignalRedeliver, nil) }, 24*time.Hour)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireApplicationError(t, b.GetWorkflowError(), activities.Exhausted)
		require.Equal(t, []string{"1", "2", "3", "4", "5", "6"}, b.receiver.numbers)
		requireGaps(t, b, time.Minute, time.Hour, 24*time.Hour-time.Hour-time.Minute, time.Minute, time.Hour)
	})

	t.Run("without a hold it closes at once", func(t *testing.T) {
		t.Parallel()
		b := setupHolding(t, 0, answers(500)...)
		b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Minute} })
		start := b.Now()
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, b.plan(t))
		requireApplicationError(t, b.GetWorkflowError(), activities.Exhausted)
		require.WithinDuration(t, start.Add(time.Minute), b.Now(), 10*time.Second)
	})
}

func TestHeld(t *testing.T) {
	t.Parallel()

	t.Run("is held for as long as it takes, without an attempt, and goes when resumed", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused)
		b.RegisterDelayedCallback(func() {
			require.Empty(t, b.receiver.times)
			require.Equal(t, models.DeliveryHeld, b.state(t).Status)
			b.setStatus(t, in.SubscriptionID, models.SubscriptionActive)
			b.SignalWorkflow(workflows.SignalResume, nil)
		}, 30*day)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.receiver.times, 1)
	})

	t.Run("finds out by itself within a day what nobody has told it", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused)
		b.RegisterDelayedCallback(func() {
			require.NoError(t, b.store.DeleteSubscription(t.Context(), in.SubscriptionID))
		}, 100*time.Hour)
		start := b.Now()
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireCanceled(t, b.GetWorkflowError())
		require.WithinDuration(t, start.Add(5*day), b.Now(), time.Minute)
		require.Equal(t, models.DeliveryCancelled, b.delivery(t, in.DeliveryID).Status)
	})

	t.Run("waits for its turn after the pause, unless it is told that it is its turn", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 204)...)
		b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Hour} })
		in := b.plan(t)
		b.RegisterDelayedCallback(func() {
			b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused)
			b.setStatus(t, in.SubscriptionID, models.SubscriptionActive)
		}, time.Minute)
		b.RegisterDelayedCallback(func() {
			require.Len(t, b.receiver.times, 1, "its time came after an hour, its turn has not")
			b.SignalWorkflow(workflows.SignalResume, nil)
		}, 3*time.Hour)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		requireGaps(t, b, 3*time.Hour)
	})

	t.Run("an attempt brought forward by resuming uses up no step of the schedule", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 500, 204)...)
		b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{10 * time.Hour} })
		in := b.plan(t)
		b.RegisterDelayedCallback(func() {
			b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused)
			b.setStatus(t, in.SubscriptionID, models.SubscriptionActive)
			b.SignalWorkflow(workflows.SignalResume, nil)
		}, time.Hour)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		requireGaps(t, b, time.Hour, 10*time.Hour)
	})
}

// blocked is what exhausts a delivery at once.
var blocked = models.Exchange{ErrorClass: models.ErrorBlocked, Error: "the address 10.0.0.1 is not public"}

// TestSignalsWhileClosing sends signals before the end of the attempt that closes the delivery.
func TestSignalsWhileClosing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers  []models.Exchange
		signal   string
		argument any
		attempts int
		status   models.DeliveryStatus
	}{
		"a redelivery by hand is made good by the attempt that delivers": {
			answers(204), workflows.SignalRedeliver, nil, 1, models.DeliveryDelivered,
		},
		"a redelivery asked for before that attempt as well": {
			answers(204), workflows.SignalRedeliver, workflows.RedeliverSignal{After: 0}, 1, models.DeliveryDelivered,
		},
		"a redelivery of what was seen delivered is a further attempt": {
			answers(204), workflows.SignalRedeliver, workflows.RedeliverSignal{After: 1}, 2, models.DeliveryDelivered,
		},
		"a redelivery of what is exhausted opens it again": {
			[]models.Exchange{blocked, answer(204)}, workflows.SignalRedeliver, nil, 2, models.DeliveryDelivered,
		},
		"a cancellation comes too late for what is delivered": {
			answers(204), workflows.SignalCancel, nil, 1, models.DeliveryDelivered,
		},
		"a cancellation stops what is exhausted": {
			[]models.Exchange{blocked}, workflows.SignalCancel, nil, 1, models.DeliveryCancelled,
		},
	} {
		for _, local := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s (local: %t)", name, local), func(t *testing.T) {
				t.Parallel()
				b := setup(t, tt.answers...)
				b.subscribe(t, nil)
				in := b.plan(t)
				in.Local = local
				// Not before the record: where Temporal waits for the attempt, the test environment does not.
				b.store.recording = func() { b.SignalWorkflow(tt.signal, tt.argument) }
				b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
				require.True(t, b.IsWorkflowCompleted())
				requireOutcome(t, b, in.DeliveryID, outcome{tt.status, tt.attempts}, 0)
			})
		}
	}
}

func (b *bundle) state(t *testing.T) workflows.State {
	t.Helper()
	value, err := b.QueryWorkflow(workflows.QueryState)
	require.NoError(t, err)
	var state workflows.State
	require.NoError(t, value.Get(&state))
	return state
}

// TestCancelledTwice cancels, redelivers while the cancellation is being written down, and cancels again.
func TestCancelledTwice(t *testing.T) {
	t.Parallel()
	b := setup(t, answers(500)...)
	b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{day} })
	in := b.plan(t)
	b.store.cancelling = func() {
		b.SignalWorkflow(workflows.SignalRedeliver, workflows.RedeliverSignal{By: "jo", Key: "key_1", After: 1})
	}
	b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.SignalCancel, workflows.CancelSignal{By: "ops"}) }, time.Hour)
	b.RegisterDelayedCallback(func() {
		requireOutcome(t, b, in.DeliveryID, outcome{models.DeliveryPending, 1}, 1)
		b.SignalWorkflow(workflows.SignalCancel, workflows.CancelSignal{By: "ops", Key: models.RootKey, Reason: "really"})
	}, 2*time.Hour)
	b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
	requireCanceled(t, b.GetWorkflowError())
	requireOutcome(t, b, in.DeliveryID, outcome{models.DeliveryCancelled, 1}, 1)
	entries, err := b.store.Audit(t.Context(), models.AuditFilter{Subject: in.DeliveryID})
	require.NoError(t, err)
	require.Len(t, entries, 3)
	require.Equal(t, models.Why{By: "ops", Key: models.RootKey, Reason: "really"}, entries[0].Why)
	require.Equal(t, models.Why{By: "jo", Key: "key_1"}, entries[1].Why)
}

// TestCurrentDetails reads what the Web UI shows.
func TestCurrentDetails(t *testing.T) {
	t.Parallel()
	b := setup(t, answers(500)...)
	b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Hour} })
	in := b.plan(t)
	details := func() string {
		value, err := b.QueryWorkflow("__temporal_workflow_metadata")
		require.NoError(t, err)
		var metadata sdkpb.WorkflowMetadata
		require.NoError(t, value.Get(&metadata))
		return metadata.GetCurrentDetails()
	}
	b.RegisterDelayedCallback(func() {
		require.Contains(t, details(), "**Retrying**: attempts fail since ")
		require.Contains(t, details(), "(`attempt 1 of 2: answered 500`)")
		require.Contains(t, details(), "signal `redeliver`, or `posthaste deliveries redeliver "+in.DeliveryID+"`")
		b.setStatus(t, in.SubscriptionID, models.SubscriptionPaused)
	}, time.Minute)
	b.RegisterDelayedCallback(func() {
		require.Contains(t, details(), "**Held**")
		require.Contains(t, details(), "`posthaste subscriptions resume "+in.SubscriptionID+"`")
		b.setStatus(t, in.SubscriptionID, models.SubscriptionActive)
		b.SignalWorkflow(workflows.SignalResume, nil)
	}, 2*time.Hour)
	b.RegisterDelayedCallback(func() {
		require.Contains(t, details(), "**Exhausted**: the retry schedule is used up (`attempt 2 of 2: answered 500; there is no further attempt`). Kept open until ")
		require.Contains(t, details(), "signal `cancel`")
	}, 3*time.Hour)
	b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
	var app *temporal.ApplicationError
	require.ErrorAs(t, b.GetWorkflowError(), &app)
	require.Contains(t, details(), "**Exhausted**")
}
