package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/workflows"
)

// held is how many events the test of pausing has.
var held = flag.Int("held", 100, "events to hold in TestPausedThroughAKill")

// recovered is how many deliveries the test of recoveries has; ten thousand take some minutes.
var recovered = flag.Int("recovered", 300, "deliveries to recover in TestRecoveryThroughKills")

// way is how an operator acts: with the API, on the command line, or by a signal sent from Temporal's Web UI.
type way func(t *testing.T, o *console, action, deliveryID string)

var ways = map[string]way{
	"API": func(t *testing.T, o *console, action, deliveryID string) {
		t.Helper()
		o.call(http.StatusAccepted, http.MethodPost, "/v1/deliveries/"+deliveryID+"/"+action, object{"reason": "a test"}, nil)
	},
	"command line": func(t *testing.T, o *console, action, deliveryID string) {
		t.Helper()
		output, code := runHere(t, "deliveries", action, deliveryID, "--reason", "a test", "--actor", "api", "--url", o.apiURL())
		require.Zero(t, code, output)
	},
	"signal": func(t *testing.T, o *console, action, deliveryID string) {
		t.Helper()
		argument := map[string]any{"reason": "a test", "by": "api"}
		require.NoError(t, o.temporal.SignalWorkflow(t.Context(), models.DeliveryWorkflowID(deliveryID), "", action, argument))
	},
}

// console is a running program with somebody who acts on it.
type console struct {
	*program
	temporal client.Client
}

func newConsole(t *testing.T) *console {
	t.Helper()
	p := startDev(t, t.TempDir())
	c, err := client.Dial(client.Options{HostPort: p.find(`Temporal +(\S+)`), Namespace: workflows.Namespace, Logger: quietSDK{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &console{program: p, temporal: c}
}

// with returns the same console for a subtest, whose failures are then its own.
func (o *console) with(t *testing.T) *console {
	p := *o.program
	p.t = t
	return &console{program: &p, temporal: o.temporal}
}

// quietSDK is the log of Temporal's client in a test that does not look at it.
type quietSDK struct{}

func (quietSDK) Debug(string, ...any) {}
func (quietSDK) Info(string, ...any)  {}
func (quietSDK) Warn(string, ...any)  {}
func (quietSDK) Error(string, ...any) {}

// status is the delivery's, with how many attempts it took, such as "delivered 2".
func (o *console) status(deliveryID string) string {
	var d deliveryView
	o.call(http.StatusOK, http.MethodGet, "/v1/deliveries/"+deliveryID, nil, &d)
	return fmt.Sprintf("%s %d", d.Status, d.Attempts)
}

func (o *console) await(t *testing.T, deliveryID, want string) {
	t.Helper()
	require.Eventually(t, func() bool { return o.status(deliveryID) == want }, deliveryLimit, 50*time.Millisecond,
		"%s is %s, not %s", deliveryID, o.status(deliveryID), want)
}

// publishTo makes a delivery to a receiver that answers by the script, and waits for its status.
func (o *console) publishTo(t *testing.T, want string, schedule []string, script ...int) (deliveryID, subscriptionID string) {
	t.Helper()
	tenant := models.NewID("tenant_")
	in := object{"tenant": tenant, "url": newSink(t, script...).url, "event_types": []string{"*"}, "retry_schedule": schedule}
	var sub struct{ ID string }
	o.call(http.StatusCreated, http.MethodPost, "/v1/subscriptions", in, &sub)
	o.call(http.StatusAccepted, http.MethodPost, "/v1/events", object{"tenant": tenant, "type": "order.paid", "data": 1}, nil)
	require.Eventually(t, func() bool { return len(o.deliveries("subscription_id="+sub.ID)) == 1 }, deliveryLimit, 20*time.Millisecond)
	id := o.deliveries("subscription_id=" + sub.ID)[0].ID
	o.await(t, id, want)
	return id, sub.ID
}

// TestActionsThreeWays sends each action in each way and requires the same result.
func TestActionsThreeWays(t *testing.T) {
	t.Parallel()
	all := newConsole(t)
	hour, tenth := []string{"1h"}, []string{"100ms"}
	for name, act := range ways {
		for what, tt := range map[string]struct {
			before   string
			schedule []string
			script   []int
			action   string
			after    string
		}{
			"cancel what waits":        {"pending 1", hour, []int{500}, "cancel", "cancelled 1"},
			"cancel what is exhausted": {"exhausted 2", tenth, []int{500}, "cancel", "cancelled 2"},
			"redeliver what waits":     {"pending 1", hour, []int{500, 204}, "redeliver", "delivered 2"},
			"redeliver what waits, in vain": {
				"pending 1", hour, []int{500, 500}, "redeliver", "pending 2",
			},
			"redeliver what is exhausted": {"exhausted 2", tenth, []int{500, 500, 204}, "redeliver", "delivered 3"},
		} {
			t.Run(what+" by "+name, func(t *testing.T) {
				t.Parallel()
				o := all.with(t)
				id, _ := o.publishTo(t, tt.before, tt.schedule, tt.script...)
				o.awaitOpen(t, id, tt.before)
				act(t, o, tt.action, id)
				o.await(t, id, tt.after)
				require.Equal(t, []string{"delivery." + tt.action + " by api: a test"}, o.audited(id))
			})
		}
	}

	for _, name := range []string{"API", "command line"} { // a closed workflow takes no signals
		for status, script := range map[string][]int{"delivered 1": {204}, "cancelled 1": {500, 204}} {
			t.Run("redeliver what is closed as "+status+" by "+name, func(t *testing.T) {
				t.Parallel()
				o := all.with(t)
				id, _ := o.publishTo(t, map[string]string{"delivered 1": "delivered 1", "cancelled 1": "pending 1"}[status], hour, script...)
				if status == "cancelled 1" {
					ways["API"](t, o, "cancel", id)
				}
				o.awaitClosed(t, id)
				o.await(t, id, status)
				ways[name](t, o, "redeliver", id)
				o.await(t, id, "delivered 2")
				var runs struct {
					Data []struct {
						RunID string `json:"run_id"`
					}
				}
				require.Eventually(t, func() bool {
					o.call(http.StatusOK, http.MethodGet, "/v1/deliveries/"+id+"/runs", nil, &runs)
					return len(runs.Data) == 2
				}, deliveryLimit, 100*time.Millisecond)
				for _, run := range runs.Data {
					o.call(http.StatusOK, http.MethodGet, "/v1/deliveries/"+id+"/history?run_id="+run.RunID, nil, nil)
				}
			})
		}
	}

	t.Run("redeliver what is closed by a signal that starts it again", func(t *testing.T) {
		t.Parallel()
		o := all.with(t)
		id, sub := o.publishTo(t, "delivered 1", hour, 204)
		o.awaitClosed(t, id)
		in := workflows.DeliverToSubscriberInput{DeliveryID: id, SubscriptionID: sub, Tenant: "t", EventType: "order.paid", Redelivery: true}
		_, err := o.temporal.SignalWithStartWorkflow(t.Context(), models.DeliveryWorkflowID(id), workflows.SignalRedeliver,
			workflows.RedeliverSignal{By: "ops", After: 1}, workflows.DeliveryOptions(in, workflows.TaskQueue),
			workflows.DeliverToSubscriberName, in)
		require.NoError(t, err)
		o.await(t, id, "delivered 2")
	})

	for name, act := range map[string]func(t *testing.T, o *console, verb, id string){
		"API": func(t *testing.T, o *console, verb, id string) {
			t.Helper()
			status := map[string]int{"pause": http.StatusOK, "resume": http.StatusAccepted}[verb]
			o.call(status, http.MethodPost, "/v1/subscriptions/"+id+"/"+verb, nil, nil)
		},
		"command line": func(t *testing.T, o *console, verb, id string) {
			t.Helper()
			output, code := runHere(t, "subscriptions", verb, id, "--url", o.apiURL())
			require.Zero(t, code, output)
		},
	} {
		t.Run("pause and resume by "+name, func(t *testing.T) {
			t.Parallel()
			o := all.with(t)
			id, sub := o.publishTo(t, "pending 1", hour, 500, 204)
			act(t, o, "pause", sub)
			o.await(t, id, "held 1")
			status, _ := o.ask(http.MethodPost, "/v1/deliveries/"+id+"/redeliver", nil)
			require.Equal(t, http.StatusConflict, status)
			require.NoError(t, o.temporal.SignalWorkflow(t.Context(), models.DeliveryWorkflowID(id), "", workflows.SignalResume, nil))
			require.Eventually(t, func() bool { return o.state(t, id).Status == models.DeliveryHeld }, deliveryLimit, 20*time.Millisecond,
				"a resume signal alone lets nothing go")
			act(t, o, "resume", sub)
			o.await(t, id, "delivered 2")
		})
	}
}

// TestReplayTriesAllKindsOfWorkflows: what an upgrade could break is all that may run while it is made.
func TestReplayTriesAllKindsOfWorkflows(t *testing.T) {
	t.Parallel()
	o := newConsole(t)
	id, subscription := o.publishTo(t, "exhausted 2", []string{"100ms"}, 500, 500, 204)
	output, code := runHere(t, "recover", "start", subscription, "--since", "1d", "--url", o.apiURL())
	require.Zero(t, code, output)
	o.await(t, id, "delivered 3")
	require.Eventually(t, func() bool { // a moment later they are listed
		output, code = runHere(t, "replay", "--since", "1h", "--url", o.apiURL())
		kinds := captures(`ok +(event|delivery|recovery)/`, output)
		return code == 0 && len(kinds) == 3
	}, deliveryLimit, 200*time.Millisecond, "%s", output)
	require.Contains(t, output, " 0 break, 0 no longer in Temporal")

	status, text := o.ask(http.MethodGet, "/v1/workflows/history?workflow_id=event%2Fnone&run_id=0199b3f2-7c5e-7a11-9d7c-0a1b2c3d4e5f", nil)
	require.Equal(t, http.StatusNotFound, status, string(text))
}

// awaitOpen waits until the workflow, too, has come to the status, and can be signalled in it.
func (o *console) awaitOpen(t *testing.T, deliveryID, status string) {
	t.Helper()
	want := models.DeliveryPending
	if status[0] == 'e' {
		want = models.DeliveryExhausted
	}
	require.Eventually(t, func() bool { return o.state(t, deliveryID).Status == want }, deliveryLimit, 20*time.Millisecond)
}

func (o *console) awaitClosed(t *testing.T, deliveryID string) {
	t.Helper()
	(&node{temporal: o.temporal}).awaitClosed(t, models.DeliveryWorkflowID(deliveryID))
}

func (o *console) state(t *testing.T, deliveryID string) (state workflows.State) {
	t.Helper()
	value, err := o.temporal.QueryWorkflow(t.Context(), models.DeliveryWorkflowID(deliveryID), "", workflows.QueryState)
	require.NoError(t, err)
	require.NoError(t, value.Get(&state))
	return state
}

// audited lists what was done to the subject, as "action by actor: reason".
func (o *console) audited(subject string) (entries []string) {
	var page struct {
		Data []struct{ Action, By, Reason string }
	}
	o.call(http.StatusOK, http.MethodGet, "/v1/audit?subject="+subject, nil, &page)
	for _, e := range page.Data {
		entries = append(entries, e.Action+" by "+e.By+": "+e.Reason)
	}
	return entries
}

// TestChangesCountFromTheNextAttempt changes a subscription while its delivery waits.
func TestChangesCountFromTheNextAttempt(t *testing.T) {
	t.Parallel()
	o := newConsole(t)
	id, sub := o.publishTo(t, "pending 1", []string{"1h"}, 500)
	moved := newSink(t, 500, 204)
	o.call(http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+sub,
		object{"url": moved.url, "timeout": "2s", "retry_schedule": []string{"1h", "200ms"}}, nil)
	var rotated struct{ Secret string }
	o.call(http.StatusOK, http.MethodPost, "/v1/subscriptions/"+sub+"/rotate-secret", object{"grace": "0s"}, &rotated)
	moved.trust(rotated.Secret)
	o.call(http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+sub, object{"retry_schedule": []string{"200ms", "200ms"}}, nil)
	ways["API"](t, o, "redeliver", id)
	o.await(t, id, "delivered 3")
	moved.requireValid(t)
}

// TestPausedThroughAKill pauses, publishes, kills everything and resumes.
func TestPausedThroughAKill(t *testing.T) {
	t.Parallel()
	events := *held
	folder := t.TempDir()
	receiver := newSink(t, 204)
	p := startDev(t, folder)
	id, _ := p.subscribe(receiver.url, nil)
	p.call(http.StatusOK, http.MethodPost, "/v1/subscriptions/"+id+"/pause", nil, nil)
	var batch []object
	for i := range events {
		batch = append(batch, object{"type": "order.paid", "data": i})
	}
	var published struct{ Results []struct{ ID string } }
	p.call(http.StatusAccepted, http.MethodPost, "/v1/events/batch", object{"events": batch}, &published)
	require.Len(t, published.Results, events)
	p.awaitCount(t, id, "held", events)
	p.kill()

	p = startDev(t, folder)
	require.Equal(t, events, p.counted(id, "held"))
	require.Zero(t, receiver.events(), "no attempt while it is paused")
	p.call(http.StatusAccepted, http.MethodPost, "/v1/subscriptions/"+id+"/resume", object{"rate": 200}, nil)
	p.awaitCount(t, id, "delivered", events)
	for _, event := range published.Results {
		require.Equal(t, 1, receiver.times(event.ID))
	}
}

// counted counts the subscription's deliveries in the status.
func (p *program) counted(subscriptionID, status string) (count int) {
	p.t.Helper()
	for cursor := ""; ; {
		var page struct {
			Data       []deliveryView
			NextCursor string `json:"next_cursor"`
		}
		p.call(http.StatusOK, http.MethodGet,
			"/v1/deliveries?limit=200&subscription_id="+subscriptionID+"&status="+status+cursor, nil, &page)
		count += len(page.Data)
		if page.NextCursor == "" {
			return count
		}
		cursor = "&cursor=" + page.NextCursor
	}
}

func (p *program) awaitCount(t *testing.T, subscriptionID, status string, want int) {
	t.Helper()
	limit := 2*deliveryLimit + time.Duration(want)*200*time.Millisecond
	require.Eventually(t, func() bool { return p.counted(subscriptionID, status) == want }, limit, 500*time.Millisecond)
}

// TestRecoveryThroughKills recovers deliveries whose workflows Temporal has long forgotten, and kills the worker twice.
func TestRecoveryThroughKills(t *testing.T) {
	t.Parallel()
	database, key := pgtest.URL(t), keyring.New()
	receiver := newSink(t, 204)
	sub := exhaustMany(t, database, key, receiver.url, *recovered)
	temporal, err := engine.Start(t.Context(), engine.Options{
		Store: engine.SQLite(t.TempDir()), Listen: "127.0.0.1:0", Namespace: "elsewhere", Logger: quiet,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, temporal.Stop(context.Background())) })
	env := []string{
		"POSTHASTE_DATABASE_URL=" + database, "POSTHASTE_API_KEY=" + testKey, "POSTHASTE_MASTER_KEY=" + key,
		"TEMPORAL_ADDRESS=" + temporal.Address(), "POSTHASTE_ALLOW_NETWORKS=127.0.0.0/8",
	}
	api := start(t, env, "api", "--listen", "127.0.0.1:0")
	api.key = testKey
	worker := start(t, env, "worker")

	var recovery struct {
		ID          string
		Status      string
		Total, Done int
	}
	in := object{"subscription_id": sub.ID, "since": sub.CreatedAt.Add(-time.Hour), "rate": models.MaxRate}
	api.call(http.StatusAccepted, http.MethodPost, "/v1/recoveries", in, &recovery)
	require.Equal(t, *recovered, recovery.Total)
	for _, part := range []int{4, 2} {
		require.Eventually(t, func() bool { return receiver.events() >= *recovered/part }, time.Hour, 20*time.Millisecond)
		worker.kill()
		worker = start(t, env, "worker")
	}
	api.awaitCount(t, sub.ID, "delivered", *recovered)
	require.Equal(t, *recovered, receiver.events(), "none was missed")
	require.Eventually(t, func() bool {
		api.call(http.StatusOK, http.MethodGet, "/v1/recoveries/"+recovery.ID, nil, &recovery)
		return recovery.Status == "completed"
	}, 2*deliveryLimit, 100*time.Millisecond)
	t.Logf("%d deliveries recovered, %d told to go, %d requests", *recovered, recovery.Done, receiver.requests())
}

// exhaustMany stores deliveries that were exhausted once.
func exhaustMany(t *testing.T, database, key, url string, count int) *models.Subscription {
	t.Helper()
	ring, err := keyring.Parse(key)
	require.NoError(t, err)
	s, err := store.Open(t.Context(), store.Options{DatabaseURL: database, Keys: ring})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)
	sub := models.NewSubscription(models.Subscription{
		URL: url, EventTypes: []string{"*"}, Secrets: []models.Secret{{Value: webhook.NewSecret().Reveal()}},
	}, time.Now())
	require.NoError(t, s.CreateSubscription(t.Context(), sub))
	for range count {
		event := models.NewEvent(models.Event{Type: "order.paid", Data: []byte(`1`)}, time.Now())
		_, err := s.CreateEvents(t.Context(), []*models.Event{event})
		require.NoError(t, err)
		_, err = s.PlanDeliveries(t.Context(), event.ID, nil)
		require.NoError(t, err)
		targets, err := s.Targets(t.Context(), event.ID, 0, 1)
		require.NoError(t, err)
		require.NoError(t, s.RecordAttempt(t.Context(),
			&models.Attempt{DeliveryID: targets[0].DeliveryID, Number: 1, StartedAt: time.Now(), Exchange: models.Exchange{
				Status: http.StatusInternalServerError, ErrorClass: models.ErrorStatus, Error: "answered 500",
			}},
			models.DeliveryOutcome{Status: models.DeliveryExhausted}))
	}
	return sub
}
