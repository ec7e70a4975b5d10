package store

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/models"
)

// queries keeps all queries instead of logging them.
type queries struct {
	logger.Interface
	made []string // by one goroutine at a time
}

func (q *queries) Trace(_ context.Context, _ time.Time, query func() (string, int64), _ error) {
	text, _ := query()
	q.made = append(q.made, text)
}

// desk is a store whose queries are kept, with a subscription to every event.
type desk struct {
	*Store
	queries *queries
	sub     *models.Subscription
}

// onBothDesks runs a test on a desk of either kind.
func onBothDesks(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	for name, options := range map[string]func(testing.TB) Options{"SQLite": sqliteAt, "Postgres": postgresAt} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newDesk(t, options(t)))
		})
	}
}

func sqliteAt(t testing.TB) Options {
	t.Helper()
	return Options{Path: filepath.Join(t.TempDir(), "x.db")}
}

func postgresAt(t testing.TB) Options {
	t.Helper()
	return Options{DatabaseURL: pgtest.URL(t)}
}

func newDesk(t testing.TB, o Options) *desk {
	t.Helper()
	var err error
	o.Keys, err = keyring.Parse(keyring.New())
	require.NoError(t, err)
	s, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)
	d := &desk{Store: s, queries: &queries{Interface: logger.Discard}}
	s.read = s.read.Session(&gorm.Session{Logger: d.queries})
	s.write = s.write.Session(&gorm.Session{Logger: d.queries})
	d.sub = d.subscribe(t, func(*models.Subscription) {})
	return d
}

func (d *desk) subscribe(t testing.TB, change func(*models.Subscription)) *models.Subscription {
	t.Helper()
	sub := models.NewSubscription(models.Subscription{
		URL: "https://shop.example/hook", EventTypes: []string{"*"}, Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
	}, time.Now())
	change(sub)
	require.NoError(t, d.CreateSubscription(t.Context(), sub))
	return sub
}

func (d *desk) publish(t testing.TB, e models.Event) *models.Event {
	t.Helper()
	if e.Data == nil {
		e.Data = []byte("{}")
	}
	event := models.NewEvent(e, time.Now())
	_, err := d.CreateEvents(t.Context(), []*models.Event{event})
	require.NoError(t, err)
	return event
}

// plan plans a new event, and returns its deliveries and the queries that took.
func (d *desk) plan(t testing.TB, e models.Event) ([]models.Target, []string) {
	t.Helper()
	event := d.publish(t, e)
	d.queries.made = nil
	plan, err := d.PlanDeliveries(t.Context(), event.ID, nil)
	require.NoError(t, err)
	made := d.queries.made
	targets, err := d.Targets(t.Context(), event.ID, 0, plan.Deliveries)
	require.NoError(t, err)
	return targets, made
}

// work asks for the work of a delivery, and returns the queries that took.
func (d *desk) work(t testing.TB, deliveryID string) (*models.Work, []string) {
	t.Helper()
	d.queries.made = nil
	work, err := d.Work(t.Context(), deliveryID)
	require.NoError(t, err)
	return work, d.queries.made
}

func requireMatched(t *testing.T, matched bool, queries []string) {
	t.Helper()
	require.Equal(t, matched, strings.Contains(strings.Join(queries, "\n"), "subscription_patterns"), "%v", queries)
}

func TestQueriesOfAPlan(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		_, made := d.plan(t, models.Event{Type: "a"})
		require.Len(t, made, 4, "event, matches, deliveries, event")
		requireMatched(t, true, made)
		_, made = d.plan(t, models.Event{Type: "a"})
		require.Len(t, made, 3)
		requireMatched(t, false, made)

		_, made = d.plan(t, models.Event{Type: "b"})
		requireMatched(t, true, made)
		d.subscribe(t, func(s *models.Subscription) { s.Tenant, s.EventTypes = "other", []string{"b"} })
		targets, made := d.plan(t, models.Event{Tenant: "other", Type: "a"})
		require.Empty(t, targets)
		requireMatched(t, true, made)
		_, made = d.plan(t, models.Event{Tenant: "other", Type: "a"})
		require.Len(t, made, 2, "that nobody wants it is known, too")
		requireMatched(t, false, made)
	})
}

// TestNothingIsRememberedWithoutAVersion asks for a tenant that never had subscriptions. One whose subscriptions came, and
// went when the database was set back, would look the same.
func TestNothingIsRememberedWithoutAVersion(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		for range 2 {
			_, made := d.plan(t, models.Event{Tenant: "new", Type: "a"})
			requireMatched(t, true, made)
		}
		require.Zero(t, d.memory.matches.cache.Len())
	})
}

func TestQueriesOfAnAttempt(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		targets, _ := d.plan(t, models.Event{Type: "a"})
		cold, made := d.work(t, targets[0].DeliveryID)
		require.Len(t, made, 3, "delivery, event, subscription")
		warm, made := d.work(t, targets[0].DeliveryID)
		require.Len(t, made, 1)
		require.Equal(t, cold, warm)

		d.subscribe(t, func(*models.Subscription) {})
		_, made = d.work(t, targets[0].DeliveryID)
		require.Len(t, made, 2, "another of the tenant's subscriptions has changed")
		d.subscribe(t, func(s *models.Subscription) { s.Tenant = "other" })
		_, made = d.work(t, targets[0].DeliveryID)
		require.Len(t, made, 1)
	})
}

func TestWhatIsLargeIsNotRemembered(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		d.subscribe(t, func(s *models.Subscription) {
			s.Tenant = "large"
			s.Properties = map[string]json.RawMessage{"a": quoted(models.MaxProperties - 20)}
			s.Headers = map[string]string{"X-A": strings.Repeat("x", rememberedSubscription)}
		})
		large := models.Event{
			Tenant: "large", Type: "a", Data: quoted(rememberedEvent - 20),
			Metadata: map[string]string{"some": "that makes it too large"},
		}
		d.plan(t, large)
		targets, made := d.plan(t, large)
		requireMatched(t, true, made)
		d.work(t, targets[0].DeliveryID)
		_, made = d.work(t, targets[0].DeliveryID)
		require.Len(t, made, 3)
	})
}

// TestPropertiesAreNotRemembered has a subscription whose properties alone would be too large, and take still more as a
// map.
func TestPropertiesAreNotRemembered(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		d.subscribe(t, func(s *models.Subscription) {
			s.Tenant = "large"
			s.Properties = map[string]json.RawMessage{"a": quoted(rememberedSubscription)}
		})
		targets, _ := d.plan(t, models.Event{Tenant: "large", Type: "a"})
		for _, queries := range []int{3, 1} {
			work, made := d.work(t, targets[0].DeliveryID)
			require.Len(t, made, queries)
			require.Nil(t, work.Subscription.Properties)
			require.NotEmpty(t, work.Delivery.Properties)
		}
	})
}

func quoted(size int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", size) + `"`) }

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	r := newRecall[int](2)
	for i, name := range []string{"a", "b", "c"} {
		r.put("tenant", name, 1, i)
	}
	_, ok := r.at("tenant", "a", 1)
	require.False(t, ok)
	_, ok = r.at("other", "c", 1)
	require.False(t, ok)
	_, ok = r.at("tenant", "c", 2)
	require.False(t, ok)
	c, ok := r.at("tenant", "c", 1)
	require.True(t, ok)
	require.Equal(t, 2, c)
}

func TestManySubscribersAreNotRemembered(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sqliteAt(t))
	for range 2 * rememberedMatch / 100 {
		d.subscribe(t, func(*models.Subscription) {})
	}
	d.plan(t, models.Event{Type: "a"})
	_, made := d.plan(t, models.Event{Type: "a"})
	requireMatched(t, true, made)
}

// TestThePausedAreLookedAtAgain has memory say of one that it is paused which a resumption, committed just after the
// version was read, has made active.
func TestThePausedAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		d.plan(t, models.Event{Type: "a"})
		event := d.publish(t, models.Event{Type: "a"})
		row, err := takeVersioned[eventRow](d.read, "event", event.ID)
		require.NoError(t, err)
		known := []subscriber{{ID: d.sub.ID, Payload: d.sub.Payload, Status: models.SubscriptionPaused}}
		d.memory.matches.put(event.Tenant, event.Type, row.Version, known)
		_, err = d.PlanDeliveries(t.Context(), event.ID, nil)
		require.NoError(t, err)
		planned, err := d.Deliveries(t.Context(), models.DeliveryFilter{EventID: event.ID})
		require.NoError(t, err)
		require.Equal(t, models.DeliveryPending, planned[0].Status)
		require.Equal(t, models.SubscriptionPaused, known[0].Status, "what is in memory stays as it is")
	})
}

func TestAPlanThatIsRolledBackLeavesNothing(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		event := d.publish(t, models.Event{Type: "a"})
		away, commit := errors.New("the connection is lost"), d.plans.transaction
		d.plans.transaction = func(ctx context.Context, do func(tx *gorm.DB) error) error {
			return commit(ctx, func(tx *gorm.DB) error { return errors.Join(do(tx), away) })
		}
		_, err := d.PlanDeliveries(t.Context(), event.ID, nil)
		require.ErrorIs(t, err, away)
		require.Zero(t, d.memory.matches.cache.Len())

		d.plans.transaction = commit
		plan, err := d.PlanDeliveries(t.Context(), event.ID, nil)
		require.NoError(t, err)
		require.Equal(t, 1, plan.Deliveries)
		require.Equal(t, 1, d.memory.matches.cache.Len())
	})
}
