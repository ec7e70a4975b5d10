package workflows_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/courier"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/internal/store/storetest"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/workflows"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestLife makes each act happen to a delivery in each status, whose subscription is in each status, and compares four
// places that have to agree: the table in models, the store on both databases, the API's answer, and the workflow.
func TestLife(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]func(*testing.T) store.Options{
		"SQLite": func(t *testing.T) store.Options {
			return store.Options{Path: filepath.Join(t.TempDir(), "posthaste.db")}
		},
		"Postgres": func(t *testing.T) store.Options { return store.Options{DatabaseURL: pgtest.URL(t)} },
	} {
		for _, act := range models.Acts() {
			t.Run(name+"/"+string(act), func(t *testing.T) {
				t.Parallel()
				s := openWith(t, options(t))
				for _, status := range models.DeliveryStatuses() {
					for _, of := range storetest.SubscriptionStatuses() {
						(&life{Store: s, t: t, act: act, status: status, of: of}).run()
					}
				}
			})
		}
	}
}

func openWith(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	ring, err := keyring.Parse(keyring.New())
	require.NoError(t, err)
	o.Keys = ring
	s, err := store.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)
	return s
}

// life is one combination. It stands between the activities and the store, and watches the changes of the delivery.
type life struct {
	*store.Store
	t      *testing.T
	act    models.Act
	status models.DeliveryStatus
	of     models.SubscriptionStatus

	delivery *models.Delivery
	became   models.DeliveryStatus // the status in which the act left the delivery; empty: the act has not happened
}

func (l *life) run() {
	l.deliver()
	want, reachable := l.expected()
	if l.attempts() {
		require.Equal(l.t, models.DeliveryPending, l.delivery.Status)
	} else {
		l.bring()
	}
	l.ask()
	l.live()
	if reachable && want != "" {
		require.Equal(l.t, want, l.became, "%s of a %s delivery to a %q subscription", l.act, l.status, l.of)
	}
}

// deliver makes a pending delivery to an active subscription of a new tenant.
func (l *life) deliver() {
	t, tenant := l.t, models.NewID("tenant_")
	sub := models.NewSubscription(models.Subscription{
		Tenant: tenant, URL: "https://hooks.example.com/in", EventTypes: []string{"*"}, RetrySchedule: models.Schedule{time.Hour},
		Secrets: []models.Secret{{Value: webhook.NewSecret().Reveal()}},
	}, time.Now())
	require.NoError(t, l.CreateSubscription(t.Context(), sub))
	event := models.NewEvent(models.Event{Tenant: tenant, Type: "order.paid", Data: []byte(`{}`)}, time.Now())
	_, err := l.CreateEvents(t.Context(), []*models.Event{event})
	require.NoError(t, err)
	plan, err := l.PlanDeliveries(t.Context(), event.ID, nil)
	require.NoError(t, err)
	l.delivery, err = l.Delivery(t.Context(), plan.Targets[0].DeliveryID)
	require.NoError(t, err)
}

// bring brings the delivery and its subscription into their statuses. A delivery that is to be stopped is stopped.
func (l *life) bring() {
	storetest.Bring(l.t, l.Store, l.delivery, l.status, l.of)
	if l.act == models.ActStop && l.of != "" {
		_, err := l.CancelWaiting(l.t.Context(), l.delivery.SubscriptionID, models.Why{Reason: "maintenance"})
		require.NoError(l.t, err)
	}
	var err error
	l.delivery, err = l.Delivery(l.t.Context(), l.delivery.ID)
	require.NoError(l.t, err)
	require.Equal(l.t, l.status, l.delivery.Status)
}

// attempts reports whether the act is the outcome of an attempt.
func (l *life) attempts() bool {
	_, ok := storetest.OutcomeOf(l.act)
	return ok
}

// expected returns the status after the act by the table, empty if it has no effect, and whether a workflow comes to the
// act: one that finds its subscription gone or disabled, or its delivery stopped, cancels the delivery before any signal.
func (l *life) expected() (want models.DeliveryStatus, reachable bool) {
	served := l.of == models.SubscriptionActive || l.of == models.SubscriptionPaused
	d := &models.Delivery{Status: l.status}
	if outcome, ok := storetest.OutcomeOf(l.act); ok {
		d.Record(&models.Attempt{Number: 1}, outcome)
		return d.Status, true
	}
	switch l.act {
	case models.ActStop:
		reachable = served
	case models.ActAbandon:
		reachable = !served
	case models.ActCancel:
		reachable = served || l.status == models.DeliveryExhausted
	default:
		reachable = true
	}
	if d.Apply(models.Change{Act: l.act}, models.Facts{Subscription: l.of, Stopped: l.stop()}) {
		return d.Status, reachable
	}
	return "", true
}

// stop returns the stop that is stored where the act needs one.
func (l *life) stop() *models.Why {
	if l.act == models.ActStop {
		return &models.Why{Reason: "maintenance"}
	}
	return nil
}

// ask asks the API for the act, if it is an operator's. The API refuses exactly where the table does, with its words.
func (l *life) ask() {
	if l.act != models.ActCancel && l.act != models.ActRedeliver {
		return
	}
	handler, err := api.New(api.Deps{
		Store: l, Dispatcher: deaf{}, Control: deaf{}, Destinations: deaf{}, Engine: deaf{}, APIKey: "secret", Logger: quiet,
	})
	require.NoError(l.t, err)
	request := httptest.NewRequestWithContext(l.t.Context(), http.MethodPost, "/v1/deliveries/"+l.delivery.ID+"/"+string(l.act), nil)
	request.Header.Set("Authorization", "Bearer secret")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	refused := l.delivery.Allows(l.act, l.of)
	if refused == nil {
		require.Equal(l.t, http.StatusAccepted, answer.Code, answer.Body)
		return
	}
	var problem struct{ Detail string }
	require.Equal(l.t, http.StatusConflict, answer.Code, answer.Body)
	require.NoError(l.t, json.Unmarshal(answer.Body.Bytes(), &problem))
	require.Equal(l.t, refused.Error(), problem.Detail)
}

// deaf accepts what the API asks of Temporal, and does nothing: the test signals the workflow itself.
type deaf struct {
	api.Control
	api.Engine
}

func (deaf) Cancel(context.Context, *models.Delivery, models.Why, int64) error { return nil }

func (deaf) Redeliver(context.Context, *models.Delivery, models.Why, string, int64) error { return nil }
func (deaf) Wake(...*models.Event)                                                        {}
func (deaf) Check(context.Context, string) error                                          { return nil }

// live runs the delivery's workflow, signals it as the act asks, and ends it.
func (l *life) live() {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(quiet))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(time.Now())
	env.SetTestTimeout(time.Minute)
	acts, err := activities.New(activities.Deps{
		Store: l, Courier: courier.NewHTTP(courier.HTTPOptions{Sender: l, Now: env.Now}), Control: &control{}, Logger: quiet,
		Now: env.Now, DeadLetterHold: hold,
	})
	require.NoError(l.t, err)
	workflows.Register(env)
	env.RegisterActivity(acts)
	for act, signal := range map[models.Act]string{models.ActCancel: workflows.SignalCancel, models.ActRelease: workflows.SignalResume} {
		if l.act == act {
			env.RegisterDelayedCallback(func() { env.SignalWorkflow(signal, nil) }, time.Second)
		}
	}
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.DeliverToSubscriberName, workflows.DeliverToSubscriberInput{
		DeliveryID: l.delivery.ID, EventID: l.delivery.EventID, SubscriptionID: l.delivery.SubscriptionID,
		Tenant: l.delivery.Tenant, EventType: l.delivery.EventType, Tells: true, Redelivery: l.act == models.ActRedeliver,
	})
	require.True(l.t, env.IsWorkflowCompleted())
}

// Send is the subscriber. If the act is the outcome of an attempt, the delivery and its subscription change while the
// subscriber answers.
func (l *life) Send(context.Context, safehttp.Request) (models.Exchange, error) {
	if l.attempts() && l.became == "" {
		l.bring() //nolint:contextcheck // the helpers of tests take the context of the test
	}
	switch l.act {
	case models.ActSucceed:
		return answer(http.StatusNoContent), nil
	case models.ActDismiss:
		return answer(http.StatusGone), nil
	case models.ActExhaust:
		return models.Exchange{ErrorClass: models.ErrorBlocked, Error: "the address is not public"}, nil
	default:
		return answer(http.StatusServiceUnavailable), nil
	}
}

// RecordAttempt checks that the store records an attempt as the table says.
func (l *life) RecordAttempt(ctx context.Context, a *models.Attempt, outcome models.DeliveryOutcome) error {
	want := l.now(ctx)
	want.Record(a, outcome)
	err := l.Store.RecordAttempt(ctx, a, outcome)
	l.happened(ctx, outcome.Act(), want.Status)
	return err
}

// ChangeDelivery checks that the store makes a change as the table says.
func (l *life) ChangeDelivery(ctx context.Context, id string, change models.Change) (*models.Delivery, error) {
	change.Origin = id + change.Origin // all runs of the test environment have one id
	want := l.now(ctx)
	facts := storetest.FactsOf(l.t, l.Store, want, change, l.subscription(ctx)) //nolint:contextcheck // as above
	effective := want.Apply(change, facts)
	after, err := l.Store.ChangeDelivery(ctx, id, change)
	if effective {
		l.happened(ctx, change.Act, want.Status)
	}
	return after, err
}

// happened notes the status after an act.
func (l *life) happened(ctx context.Context, act models.Act, want models.DeliveryStatus) {
	is := l.now(ctx).Status
	require.Equal(l.t, want, is, "%s of a %s delivery to a %q subscription", act, l.status, l.of)
	if act == l.act && l.became == "" {
		l.became = is
	}
}

func (l *life) now(ctx context.Context) *models.Delivery {
	d, err := l.Delivery(ctx, l.delivery.ID)
	require.NoError(l.t, err)
	return d
}

func (l *life) subscription(ctx context.Context) models.SubscriptionStatus {
	sub, err := l.Subscription(ctx, l.delivery.SubscriptionID)
	if models.ErrorCode(err) == models.CodeNotFound {
		return ""
	}
	require.NoError(l.t, err)
	return sub.Status
}
