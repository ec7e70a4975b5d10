package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/internal/courier"
	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/workflows"
)

var quiet = slog.New(slog.DiscardHandler)

// hold is how long these tests keep dead letters.
const hold = 7 * day

// bundle is one test's house: a real store, real workflows and activities in virtual time, and a receiver that answers
// as told.
type bundle struct {
	*testsuite.TestWorkflowEnvironment
	store    *flakyStore
	receiver *receiver
	acts     *activities.Activities
	control  *control
}

// control notes what workflows are told, as "resume dlv_…". Those in refuse say that their state does not allow it.
type control struct {
	told    []string
	origins []string // of what was redelivered
	jobs    []models.Job
	refuse  map[string]bool
	fail    int // of the next calls
}

func (s *control) tell(what, id string) error {
	if s.fail > 0 {
		s.fail--
		return errAway
	}
	if s.refuse[id] {
		return models.Errorf(models.CodeConflict, "not in this state")
	}
	s.told = append(s.told, what+" "+id)
	return nil
}

func (s *control) Cancel(_ context.Context, d *models.Delivery, _ models.Why, _ int64) error {
	return s.tell("cancel", d.ID)
}

func (s *control) Redeliver(_ context.Context, d *models.Delivery, _ models.Why, origin string, _ int64) error {
	s.origins = append(s.origins, origin)
	return s.tell("redeliver", d.ID)
}

func (s *control) Resume(_ context.Context, d *models.Delivery) error { return s.tell("resume", d.ID) }

func (s *control) Begin(_ context.Context, d *models.Delivery) error { return s.tell("begin", d.ID) }

func (s *control) Start(_ context.Context, job models.Job) error {
	s.jobs = append(s.jobs, job)
	return nil
}

// receiver answers each attempt by its script, the last answer again and again. It stands in for the network.
type receiver struct {
	mu      sync.Mutex
	now     func() time.Time
	answers []models.Exchange
	times   []time.Time
	numbers []string
	ids     []string
	bodies  []string
	last    safehttp.Request
}

func (r *receiver) Send(_ context.Context, request safehttp.Request) (models.Exchange, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times = append(r.times, r.now())
	r.numbers = append(r.numbers, request.Header.Get("X-Webhook-Attempt"))
	r.ids = append(r.ids, request.Header[webhook.HeaderID]...)
	r.bodies = append(r.bodies, string(request.Body))
	r.last = request
	return r.answers[min(len(r.times), len(r.answers))-1], nil
}

// gaps are the times between the attempts.
func (r *receiver) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(r.times); i++ {
		gaps = append(gaps, r.times[i].Sub(r.times[i-1]))
	}
	return gaps
}

func answer(status int) models.Exchange {
	x := models.Exchange{Status: status, Header: http.Header{}, Timing: models.Timing{Total: time.Millisecond}}
	if status/100 != 2 {
		x.ErrorClass, x.Error = models.ErrorStatus, fmt.Sprintf("answered %d", status)
	}
	return x
}

func answers(statuses ...int) []models.Exchange {
	script := make([]models.Exchange, len(statuses))
	for i, status := range statuses {
		script[i] = answer(status)
	}
	return script
}

// flakyStore fails the next calls of some methods, as a database that is away does.
type flakyStore struct {
	*store.Store
	mu           sync.Mutex
	failLoads    int
	failRecords  int
	failForwards int
	failedCalls  int
	planFailures int
	cancelling   func() // called once, after the next CancelDelivery; nil: nothing
	recording    func() // called once, after the next RecordAttempt; nil: nothing
}

var errAway = errors.New("the database is away")

func (s *flakyStore) failing(left *int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *left == 0 {
		return false
	}
	*left--
	s.failedCalls++
	return true
}

func (s *flakyStore) Work(ctx context.Context, id string) (*models.Work, error) {
	if s.failing(&s.failLoads) {
		return nil, errAway
	}
	return s.Store.Work(ctx, id)
}

func (s *flakyStore) RecordAttempt(ctx context.Context, a *models.Attempt, o models.DeliveryOutcome) error {
	if s.failing(&s.failRecords) {
		return errAway
	}
	err := s.Store.RecordAttempt(ctx, a, o)
	once(&s.recording)
	return err
}

func (s *flakyStore) ChangeDelivery(ctx context.Context, id string, change models.Change) (*models.Delivery, error) {
	if change.Act == models.ActRedeliver && s.failing(&s.failForwards) {
		return nil, errAway
	}
	after, err := s.Store.ChangeDelivery(ctx, id, change)
	if change.Act == models.ActCancel {
		once(&s.cancelling)
	}
	return after, err
}

func once(f *func()) {
	if *f != nil {
		(*f)()
		*f = nil
	}
}

func (s *flakyStore) PlanDeliveries(ctx context.Context, eventID string, claim models.Claim) (models.Plan, error) {
	if s.failing(&s.planFailures) {
		return models.Plan{}, errAway
	}
	return s.Store.PlanDeliveries(ctx, eventID, claim)
}

func setup(t *testing.T, script ...models.Exchange) *bundle {
	t.Helper()
	return setupHolding(t, hold, script...)
}

func setupHolding(t *testing.T, hold time.Duration, script ...models.Exchange) *bundle {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(quiet))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(time.Now())
	env.SetTestTimeout(time.Minute)
	b := &bundle{
		TestWorkflowEnvironment: env, store: &flakyStore{Store: openWith(t, store.Options{Path: filepath.Join(t.TempDir(), "posthaste.db")})},
		receiver: &receiver{now: env.Now, answers: script}, control: &control{},
	}
	var err error
	b.acts, err = activities.New(activities.Deps{
		Store: b.store, Courier: courier.NewHTTP(courier.HTTPOptions{Sender: b.receiver, Now: env.Now}), Control: b.control, Logger: quiet, Now: env.Now,
		Random: func() float64 { return 0.5 }, DeadLetterHold: hold,
	})
	require.NoError(t, err)
	workflows.Register(env)
	env.RegisterActivity(b.acts)
	return b
}

// subscribe stores a subscription to every event.
func (b *bundle) subscribe(t *testing.T, change func(*models.Subscription)) *models.Subscription {
	t.Helper()
	sub := models.NewSubscription(models.Subscription{
		URL: "https://hooks.example.com/in", EventTypes: []string{"*"},
		Secrets: []models.Secret{{Value: webhook.NewSecret().Reveal()}},
	}, b.Now())
	if change != nil {
		change(sub)
	}
	require.NoError(t, b.store.CreateSubscription(t.Context(), sub))
	return sub
}

// publish stores an event as the API does.
func (b *bundle) publish(t *testing.T) *models.Event {
	t.Helper()
	event := models.NewEvent(models.Event{Type: "order.paid", Data: []byte(`{"order": 42}`)}, b.Now())
	created, err := b.store.CreateEvents(t.Context(), []*models.Event{event})
	require.NoError(t, err)
	require.NoError(t, created[0].Err)
	return event
}

// plan stores an event and its only delivery and returns the input of the delivery's workflow.
func (b *bundle) plan(t *testing.T) workflows.DeliverToSubscriberInput {
	t.Helper()
	event := b.publish(t)
	_, err := b.store.PlanDeliveries(t.Context(), event.ID, nil)
	require.NoError(t, err)
	targets, err := b.store.Targets(t.Context(), event.ID, 0, 1)
	require.NoError(t, err)
	require.Len(t, targets, 1)
	return workflows.DeliverToSubscriberInput{
		DeliveryID: targets[0].DeliveryID, EventID: event.ID, SubscriptionID: targets[0].SubscriptionID,
		Tenant: event.Tenant, EventType: event.Type, Host: targets[0].Host, Tells: true,
	}
}

func (b *bundle) delivery(t *testing.T, id string) *models.Delivery {
	t.Helper()
	d, err := b.store.Delivery(t.Context(), id)
	require.NoError(t, err)
	return d
}

func (b *bundle) attempts(t *testing.T, id string) []*models.Attempt {
	t.Helper()
	list, err := b.store.Attempts(t.Context(), id)
	require.NoError(t, err)
	return list
}
