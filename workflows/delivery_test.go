package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

const day = 24 * time.Hour

func TestDeliverToSubscriber(t *testing.T) {
	t.Parallel()

	t.Run("delivers at the first attempt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, models.DeliveryDelivered, b.delivery(t, in.DeliveryID).Status)
		require.Len(t, b.attempts(t, in.DeliveryID), 1)
	})

	t.Run("fails twice and delivers at the third, by the schedule of thirty days", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 503, 204)...)
		b.subscribe(t, func(s *models.Subscription) {
			s.RetrySchedule = models.Schedule{2 * day, 7 * day, 7 * day, 7 * day, 7 * day}
		})
		in := b.plan(t)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		var result workflows.DeliverToSubscriberResult
		require.NoError(t, b.GetWorkflowResult(&result))
		require.Equal(t, 3, result.Attempt)
		requireGaps(t, b, 2*day, 7*day)
		require.Equal(t, []string{"1", "2", "3"}, b.receiver.numbers)
		d := b.delivery(t, in.DeliveryID)
		require.Equal(t, models.DeliveryDelivered, d.Status)
		require.Equal(t, 3, d.Attempts)
		require.Zero(t, d.NextAttemptAt)
		recorded := b.attempts(t, in.DeliveryID)
		require.Len(t, recorded, 3)
		for i, a := range recorded {
			require.Equal(t, i+1, a.Number)
			require.Equal(t, []int{500, 503, 204}[i], a.Status)
		}
	})

	t.Run("sends the same id and bytes on every attempt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 500, 500, 204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.receiver.bodies, 4)
		for i := range b.receiver.bodies {
			require.Equal(t, b.receiver.bodies[0], b.receiver.bodies[i])
			require.Equal(t, in.EventID, b.receiver.ids[i])
		}
	})

	t.Run("is exhausted after the whole schedule and closes as failed", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireApplicationError(t, b.GetWorkflowError(), activities.Exhausted)
		requireGaps(t, b, models.DefaultSchedule()...)
		d := b.delivery(t, in.DeliveryID)
		require.Equal(t, models.DeliveryExhausted, d.Status)
		require.Equal(t, 10, d.Attempts)
	})

	t.Run("waits as long as Retry-After asks when that is later", func(t *testing.T) {
		t.Parallel()
		patient := answer(429)
		patient.Header.Set("Retry-After", "3600")
		b := setup(t, patient, answer(204))
		b.subscribe(t, nil)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, b.plan(t))
		require.NoError(t, b.GetWorkflowError())
		requireGaps(t, b, models.SpreadBehind(time.Hour, 0.5))
	})

	t.Run("a blocked destination is not tried again", func(t *testing.T) {
		t.Parallel()
		b := setup(t, blocked)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireApplicationError(t, b.GetWorkflowError(), activities.Exhausted)
		require.Len(t, b.receiver.times, 1)
		d := b.delivery(t, in.DeliveryID)
		require.Equal(t, models.DeliveryExhausted, d.Status)
		require.Equal(t, blocked.Error, d.LastError)
	})

	t.Run("what the subscription says of body, auth and certificates reaches the sender", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		sub := b.subscribe(t, func(s *models.Subscription) {
			s.Payload = models.PayloadCloudEvents
			s.Auth = models.Auth{Type: models.AuthBearer, Token: "token"}
			s.TLS = models.TLS{CA: "authorities"} // not judged here: the API did
		})
		in := b.plan(t)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, sub.Auth, b.receiver.last.Auth)
		require.Equal(t, sub.TLS, b.receiver.last.TLS)
		require.Equal(t, "application/cloudevents+json", b.receiver.last.Header.Get("Content-Type"))
		var body map[string]any
		require.NoError(t, json.Unmarshal(b.receiver.last.Body, &body))
		require.Equal(t, "1.0", body["specversion"])
		require.Equal(t, in.EventID, body["id"])
		require.Equal(t, "/tenants/default", body["source"])
		require.Equal(t, map[string]any{"order": 42.0}, body["data"])
		recorded := b.attempts(t, in.DeliveryID)[0].RequestHeaders
		require.Equal(t, "[redacted]", recorded.Get("Authorization"))
	})

	t.Run("410 cancels the delivery and disables the subscription", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(410)...)
		sub := b.subscribe(t, nil)
		in := b.plan(t)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireCanceled(t, b.GetWorkflowError())
		require.Equal(t, models.DeliveryCancelled, b.delivery(t, in.DeliveryID).Status)
		require.Len(t, b.control.jobs, 1)
		require.Equal(t, models.JobCancel, b.control.jobs[0].Action)
		require.Equal(t, sub.ID, b.control.jobs[0].Selection.SubscriptionID)
		got, err := b.store.Subscription(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Equal(t, models.SubscriptionDisabled, got.Status)
		require.Contains(t, got.DisabledReason, "410")
	})
}

func TestDeliverToSubscriberLocally(t *testing.T) {
	t.Parallel()

	t.Run("delivers within the workflow task", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		in.Local = true
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.attempts(t, in.DeliveryID), 1)
	})

	t.Run("goes on by the schedule when the local attempt failed", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 500, 204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		in.Local = true
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		requireGaps(t, b, 5*time.Second, 5*time.Minute)
		require.Len(t, b.attempts(t, in.DeliveryID), 3)
	})
}

func TestSignals(t *testing.T) {
	t.Parallel()

	t.Run("cancel stops a waiting delivery", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.RegisterDelayedCallback(func() {
			b.SignalWorkflow(workflows.SignalCancel, workflows.CancelSignal{Reason: "wrong data", By: "ops"})
		}, time.Minute)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireCanceled(t, b.GetWorkflowError())
		require.Len(t, b.receiver.times, 2)
		d := b.delivery(t, in.DeliveryID)
		require.Equal(t, models.DeliveryCancelled, d.Status)
		require.Equal(t, "wrong data (by ops)", d.Reason)
	})

	t.Run("a cancel signal with an argument of the wrong kind cancels as well", func(t *testing.T) {
		t.Parallel()
		for name, argument := range map[string]any{"text": "please", "a number as reason": map[string]int{"reason": 5}, "nothing": nil} {
			b := setup(t, answers(500)...)
			b.subscribe(t, nil)
			in := b.plan(t)
			b.RegisterDelayedCallback(func() { b.SignalWorkflow(workflows.SignalCancel, argument) }, time.Minute)
			b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
			requireCanceled(t, b.GetWorkflowError())
			require.Equal(t, "cancelled by hand (by temporal)", b.delivery(t, in.DeliveryID).Reason, name)
			require.Len(t, b.receiver.times, 2, name)
		}
	})

	t.Run("redeliver on a row that has closed meanwhile concludes from the row", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.RegisterDelayedCallback(func() {
			_, err := b.store.ChangeDelivery(t.Context(), in.DeliveryID, models.Change{Act: models.ActSucceed})
			require.NoError(t, err)
			b.SignalWorkflow(workflows.SignalRedeliver, nil)
		}, time.Minute)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Len(t, b.receiver.times, 2)
	})

	t.Run("cancel on a row that has closed meanwhile closes as the row says", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.RegisterDelayedCallback(func() {
			_, err := b.store.ChangeDelivery(t.Context(), in.DeliveryID, models.Change{Act: models.ActSucceed})
			require.NoError(t, err)
			b.SignalWorkflow(workflows.SignalCancel, nil)
		}, time.Minute)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
	})

	t.Run("cancelling the workflow while a redelivery waits for the database cancels the row", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.RegisterDelayedCallback(func() {
			b.store.failForwards = 5
			b.SignalWorkflow(workflows.SignalRedeliver, nil)
		}, time.Minute)
		b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute+2*time.Second)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireCanceled(t, b.GetWorkflowError())
		require.Equal(t, models.DeliveryCancelled, b.delivery(t, in.DeliveryID).Status)
	})

	t.Run("cancelling the workflow itself does the same", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		requireCanceled(t, b.GetWorkflowError())
		require.Equal(t, models.DeliveryCancelled, b.delivery(t, in.DeliveryID).Status)
	})

	t.Run("redeliver makes an attempt now, and the series goes on where it was", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 500, 500, 204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.RegisterDelayedCallback(func() {
			b.SignalWorkflow(workflows.SignalRedeliver, workflows.RedeliverSignal{By: "ops"})
			b.SignalWorkflow(workflows.SignalRedeliver, workflows.RedeliverSignal{By: "ops, twice"})
		}, time.Minute)
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		requireGaps(t, b, 5*time.Second, 55*time.Second, 5*time.Minute)
		require.Equal(t, []string{"1", "2", "3", "4"}, b.receiver.numbers)
		var state workflows.State
		value, err := b.QueryWorkflow(workflows.QueryState)
		require.NoError(t, err)
		require.NoError(t, value.Get(&state))
		require.Equal(t, workflows.State{
			DeliveryID: in.DeliveryID, Status: models.DeliveryDelivered, Redeliveries: 1, Attempt: 4,
		}, state)
	})
}

func TestObstacles(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, b *bundle, id string){
		"a subscription disabled meanwhile cancels at the next attempt": func(t *testing.T, b *bundle, id string) {
			t.Helper()
			_, err := b.store.UpdateSubscription(t.Context(), id, func(s *models.Subscription) error {
				s.Status = models.SubscriptionDisabled
				return nil
			})
			require.NoError(t, err)
		},
		"a subscription deleted meanwhile cancels at the next attempt": func(t *testing.T, b *bundle, id string) {
			t.Helper()
			require.NoError(t, b.store.DeleteSubscription(t.Context(), id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, answers(500)...)
			sub := b.subscribe(t, nil)
			in := b.plan(t)
			b.RegisterDelayedCallback(func() { change(t, b, sub.ID) }, time.Minute)
			b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
			requireCanceled(t, b.GetWorkflowError())
			require.Len(t, b.receiver.times, 2)
			d := b.delivery(t, in.DeliveryID)
			require.Equal(t, models.DeliveryCancelled, d.Status)
			require.Contains(t, d.Reason, "subscription")
		})
	}
}

func TestOurOwnFailures(t *testing.T) {
	t.Parallel()

	t.Run("a database that is away before the attempt uses up nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(500, 204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.store.failLoads = 5 // the test environment gives up after ten tries, the server never
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, 5, b.store.failedCalls)
		require.Len(t, b.attempts(t, in.DeliveryID), 2)
		require.Equal(t, []string{"1", "2"}, b.receiver.numbers)
		requireGaps(t, b, 5*time.Second)
	})

	t.Run("a database that is away for a moment while recording does not make us send twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		b.store.failRecords = 2
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.Equal(t, 2, b.store.failedCalls)
		require.Len(t, b.receiver.times, 1)
		require.Len(t, b.attempts(t, in.DeliveryID), 1)
	})

	t.Run("an attempt dispatched early, after a lost worker, waits for its time", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answers(204)...)
		b.subscribe(t, nil)
		in := b.plan(t)
		later := models.Change{Act: models.ActRedeliver, At: b.Now().Add(time.Hour)}
		_, err := b.store.ChangeDelivery(t.Context(), in.DeliveryID, later)
		require.NoError(t, err)
		start := b.Now()
		b.store.failLoads = 1 // the first dispatch ends without an answer of ours
		b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
		require.NoError(t, b.GetWorkflowError())
		require.WithinDuration(t, start.Add(time.Hour), b.receiver.times[0], 2*time.Second)
	})
}

func requireGaps(t *testing.T, b *bundle, want ...time.Duration) {
	t.Helper()
	gaps := b.receiver.gaps()
	require.Len(t, gaps, len(want))
	for i := range want {
		require.InDelta(t, want[i].Seconds(), gaps[i].Seconds(), 2, "gap %d", i+1)
	}
}

func requireApplicationError(t *testing.T, err error, kind string) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, kind, app.Type())
}

func requireCanceled(t *testing.T, err error) {
	t.Helper()
	var canceled *temporal.CanceledError
	require.ErrorAs(t, err, &canceled)
}
