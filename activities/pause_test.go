package activities_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// receiver counts what arrives of each delivery, and answers 204.
type receiver map[string]int

func (r receiver) Carry(_ context.Context, work *models.Work) (*models.Attempt, error) {
	r[work.Delivery.ID]++
	return &models.Attempt{
		DeliveryID: work.Delivery.ID, Number: work.Number(), StartedAt: time.Now(), Exchange: models.Exchange{Status: 204},
	}, nil
}

// control notes whom a resumption or a stop tells, once each.
type control struct {
	activities.Control
	told map[string]bool
}

func (s *control) Resume(_ context.Context, d *models.Delivery) error {
	s.told[d.ID] = true
	return nil
}

func (s *control) Cancel(_ context.Context, d *models.Delivery, _ models.Why, _ int64) error {
	s.told[d.ID] = true
	return nil
}

// bundle is one test's house: a real store at a path, real activities, and a receiver.
type bundle struct {
	*store.Store
	path     string
	env      *testsuite.TestActivityEnvironment
	acts     *activities.Activities
	receiver receiver
	control  *control
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupOn(t, store.Options{Path: filepath.Join(t.TempDir(), "x.db")})
}

func setupOn(t *testing.T, o store.Options) *bundle {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	ring, err := keyring.Parse(keyring.New())
	require.NoError(t, err)
	b := &bundle{path: o.Path, receiver: receiver{}, control: &control{told: map[string]bool{}}}
	o.Keys = ring
	b.Store, err = store.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	_, err = b.Migrate(t.Context())
	require.NoError(t, err)
	b.acts, err = activities.New(activities.Deps{Store: b, Courier: b.receiver, Control: b.control, Logger: quiet})
	require.NoError(t, err)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(quiet))
	b.env = suite.NewTestActivityEnvironment()
	b.env.RegisterActivity(b.acts)
	return b
}

// deliveries makes n of them, to one subscription, and returns their ids.
func (b *bundle) deliveries(t *testing.T, n int) (sub *models.Subscription, ids []string) {
	t.Helper()
	sub = models.NewSubscription(models.Subscription{
		URL: "https://hooks.example.com/in", EventTypes: []string{"*"},
		Secrets: []models.Secret{{Value: webhook.NewSecret().Reveal()}},
	}, time.Now())
	require.NoError(t, b.CreateSubscription(t.Context(), sub))
	events := make([]*models.Event, n)
	for i := range n {
		events[i] = models.NewEvent(models.Event{Type: "a", Data: []byte("{}")}, time.Now())
	}
	_, err := b.CreateEvents(t.Context(), events)
	require.NoError(t, err)
	for _, event := range events {
		_, err := b.PlanDeliveries(t.Context(), event.ID, nil)
		require.NoError(t, err)
		targets, err := b.Targets(t.Context(), event.ID, 0, 1)
		require.NoError(t, err)
		ids = append(ids, targets[0].DeliveryID)
	}
	return sub, ids
}

func (b *bundle) setStatus(t *testing.T, id string, status models.SubscriptionStatus) *models.Subscription {
	t.Helper()
	sub, err := b.UpdateSubscription(t.Context(), id, func(s *models.Subscription) error {
		s.Status, s.ResumeRate = status, models.MaxRate
		return nil
	})
	require.NoError(t, err)
	return sub
}

// exec looks behind the store.
func (b *bundle) exec(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", b.path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func (b *bundle) attempt(in activities.AttemptDeliveryInput) error {
	_, err := b.env.ExecuteActivity(b.acts.AttemptDelivery, in)
	return err
}

// count says how many of the deliveries have the status.
func (b *bundle) count(t *testing.T, subscriptionID string, status models.DeliveryStatus) int {
	t.Helper()
	count, err := b.CountDeliveries(t.Context(), models.Selection{
		SubscriptionID: subscriptionID, Statuses: []models.DeliveryStatus{status},
	})
	require.NoError(t, err)
	return count
}

// dying refuses to hold more than half of what TestPauseThatWasInterrupted has, as if nobody were there to do it.
const dying = `CREATE TRIGGER dying BEFORE UPDATE OF status ON deliveries
	WHEN NEW.status = 'held' AND (SELECT count(*) FROM deliveries WHERE status = 'held') >= 500
	BEGIN SELECT RAISE(ABORT, 'the process dies'); END`

// TestPauseThatWasInterrupted comes to some deliveries, has others come due, and is over before the rest do.
func TestPauseThatWasInterrupted(t *testing.T) {
	t.Parallel()
	const all, due = 600, 50
	b := setup(t)
	sub, ids := b.deliveries(t, all)
	b.exec(t, dying)
	b.setStatus(t, sub.ID, models.SubscriptionPaused)
	b.exec(t, "DROP TRIGGER dying")
	held := b.count(t, sub.ID, models.DeliveryHeld)
	require.Positive(t, held)
	require.Less(t, held, all-due)

	for i := range due {
		in := activities.AttemptDeliveryInput{DeliveryID: ids[held+i], Wait: i%2 == 0, Resumed: i%3 == 0, Claimed: i%5 == 0}
		require.Equal(t, activities.Held, activities.EndingOf(b.attempt(in)).Kind)
	}
	require.Empty(t, b.receiver)
	require.Equal(t, held+due, b.count(t, sub.ID, models.DeliveryHeld))

	resumed := b.setStatus(t, sub.ID, models.SubscriptionActive)
	_, err := b.env.ExecuteActivity(b.acts.Steer, activities.SteerInput{Job: models.ResumeJob(resumed, models.Why{})})
	require.NoError(t, err)
	require.Len(t, b.control.told, held+due, "those that are held, and no others")
	for range 2 { // being told once more changes nothing
		for _, id := range ids {
			require.NoError(t, b.attempt(activities.AttemptDeliveryInput{DeliveryID: id, Resumed: b.control.told[id]}))
		}
	}
	require.Len(t, b.receiver, all)
	for id, times := range b.receiver {
		require.Equal(t, 1, times, id)
	}
	finished, err := b.FinishResume(t.Context(), sub.ID)
	require.NoError(t, err)
	require.True(t, finished)
}
