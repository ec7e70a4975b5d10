package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// seen is what plans and attempts of one store see of the subscriptions.
type seen struct {
	planned      []models.Delivery // with nothing but what comes from the subscription
	subscription *models.Subscription
}

// office is a database with an event that was delivered to a subscription, and all who look at it.
type office struct {
	store.Options
	here, there  *store.Store // two processes
	subscription *models.Subscription
	delivery     *models.Delivery
}

func newOffice(t *testing.T, o store.Options) *office {
	t.Helper()
	b := &office{Options: o, here: open(t, o), there: open(t, o)}
	b.subscription = newOrderSubscription(models.NewID("tenant_"))
	require.NoError(t, b.here.CreateSubscription(t.Context(), b.subscription))
	b.delivery = b.plan(t, b.here)[0]
	return b
}

func newOrderSubscription(tenant string) *models.Subscription {
	return models.NewSubscription(models.Subscription{
		Tenant: tenant, URL: "https://shop.example/hook", EventTypes: []string{"order.*", "order.paid"},
		Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
	}, time.Now())
}

func publishOrder(ctx context.Context, s *store.Store, tenant string) (*models.Event, error) {
	event := models.NewEvent(models.Event{Tenant: tenant, Type: "order.paid", Data: []byte("{}")}, time.Now())
	_, err := s.CreateEvents(ctx, []*models.Event{event})
	return event, err
}

// plan has the store plan a new event, and returns its deliveries.
func (b *office) plan(t *testing.T, by *store.Store) []*models.Delivery {
	t.Helper()
	event, err := publishOrder(t.Context(), b.here, b.subscription.Tenant)
	require.NoError(t, err)
	_, err = by.PlanDeliveries(t.Context(), event.ID, nil)
	require.NoError(t, err)
	deliveries, err := by.Deliveries(t.Context(), models.DeliveryFilter{EventID: event.ID})
	require.NoError(t, err)
	return deliveries
}

// look plans an event and asks for an attempt's work.
func (b *office) look(t *testing.T, by *store.Store) seen {
	t.Helper()
	var s seen
	for _, d := range b.plan(t, by) {
		s.planned = append(s.planned, models.Delivery{
			SubscriptionID: d.SubscriptionID, Status: d.Status, Payload: d.Payload, Properties: d.Properties,
		})
	}
	work, err := by.Work(t.Context(), b.delivery.ID)
	require.NoError(t, err)
	s.subscription = work.Subscription
	return s
}

func (b *office) update(t *testing.T, change func(*models.Subscription)) {
	t.Helper()
	_, err := b.here.UpdateSubscription(t.Context(), b.subscription.ID, func(s *models.Subscription) error {
		change(s)
		return nil
	})
	require.NoError(t, err)
}

func (b *office) setStatus(t *testing.T, status models.SubscriptionStatus) {
	t.Helper()
	b.update(t, func(s *models.Subscription) { s.Status = status })
}

// exec changes the database by hand. The id of the subscription is the only parameter.
func (b *office) exec(t *testing.T, query string) {
	t.Helper()
	if b.DatabaseURL == "" {
		query = strings.ReplaceAll(query, "$1", "?")
	}
	result, err := rawDB(t, b.Options).ExecContext(t.Context(), query, b.subscription.ID)
	require.NoError(t, err)
	rows, err := result.RowsAffected()
	require.NoError(t, err)
	require.Positive(t, rows)
}

// TestEveryChangeIsSeenAtOnce has one process make each kind of change while another remembers what was before.
func TestEveryChangeIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		migrated(t, o)
		for name, c := range changes() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newOffice(t, o)
				if c.before != nil {
					c.before(t, b)
				}
				before := b.look(t, b.there)
				require.Equal(t, before, b.look(t, b.there), "from memory")
				c.change(t, b)
				after := b.look(t, b.there)
				require.NotEqual(t, before, after)
				require.Equal(t, b.look(t, open(t, o)), after, "as one sees it who remembers nothing")
			})
		}
	})
}

// kind is a kind of change, and what makes it possible.
type kind struct{ before, change func(t *testing.T, b *office) }

func changes() map[string]kind {
	return map[string]kind{
		"created": {change: func(t *testing.T, b *office) {
			t.Helper()
			require.NoError(t, b.here.CreateSubscription(t.Context(), newOrderSubscription(b.subscription.Tenant)))
		}},
		"other URL": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.update(t, func(s *models.Subscription) { s.URL = "https://other.example/" })
		}},
		"other headers and properties": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.update(t, func(s *models.Subscription) {
				s.Headers = map[string]string{"X-A": "1"}
				s.Properties = map[string]json.RawMessage{"a": json.RawMessage("1")}
			})
		}},
		"other patterns": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.update(t, func(s *models.Subscription) { s.EventTypes = []string{"user.*"} })
		}},
		"secret rotated": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.update(t, func(s *models.Subscription) {
				require.NoError(t, s.Rotate("whsec_bmV3", time.Hour, "", time.Now().UTC()))
			})
		}},
		"paused": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.setStatus(t, models.SubscriptionPaused)
		}},
		"resumed": {before: func(t *testing.T, b *office) {
			t.Helper()
			b.setStatus(t, models.SubscriptionPaused)
		}, change: func(t *testing.T, b *office) {
			t.Helper()
			b.setStatus(t, models.SubscriptionActive)
		}},
		"resumption finished": {before: func(t *testing.T, b *office) {
			t.Helper()
			b.setStatus(t, models.SubscriptionPaused)
			b.setStatus(t, models.SubscriptionActive)
			released, err := b.here.ChangeDelivery(t.Context(), b.delivery.ID, models.Change{Act: models.ActRelease, At: time.Now()})
			require.NoError(t, err)
			require.Equal(t, models.DeliveryPending, released.Status)
		}, change: func(t *testing.T, b *office) {
			t.Helper()
			finished, err := b.here.FinishResume(t.Context(), b.subscription.ID)
			require.NoError(t, err)
			require.True(t, finished)
		}},
		"disabled": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.setStatus(t, models.SubscriptionDisabled)
		}},
		"gone": {change: func(t *testing.T, b *office) {
			t.Helper()
			attempt := &models.Attempt{DeliveryID: b.plan(t, b.here)[0].ID, Number: 1, StartedAt: time.Now()}
			attempt.Status = http.StatusGone
			require.NoError(t, b.here.RecordAttempt(t.Context(), attempt, models.DeliveryOutcome{
				Status: models.DeliveryCancelled, Reason: "gone", DisableSubscription: b.subscription.ID,
			}))
		}},
		"deleted": {change: func(t *testing.T, b *office) {
			t.Helper()
			require.NoError(t, b.here.DeleteSubscription(t.Context(), b.subscription.ID))
		}},
		"updated by hand": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.exec(t, `UPDATE subscriptions SET url = 'https://hand.example/' WHERE id = $1`)
		}},
		"deleted by hand": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.exec(t, `DELETE FROM subscriptions WHERE id = $1`)
		}},
		"a pattern changed by hand": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.exec(t, `DELETE FROM subscription_patterns WHERE pattern = 'order.*' AND subscription_id = $1`)
			b.exec(t, `UPDATE subscription_patterns SET pattern = 'user.*' WHERE subscription_id = $1`)
		}},
		"moved by hand": {change: func(t *testing.T, b *office) {
			t.Helper()
			b.exec(t, `UPDATE subscriptions SET tenant = 'other' WHERE id = $1`)
			b.exec(t, `UPDATE subscription_patterns SET tenant = 'other' WHERE subscription_id = $1`)
		}},
	}
}

func TestTruncatingIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	migrated(t, o)
	b := newOffice(t, o)
	require.NotNil(t, b.look(t, b.there).subscription)
	_, err := rawDB(t, o).ExecContext(t.Context(), `TRUNCATE subscriptions CASCADE`)
	require.NoError(t, err)
	require.Zero(t, b.look(t, b.there))
}

// TestChangesOfATenantDoNotWaitForOneAnother has one change last while others are made: only commits take turns.
func TestChangesOfATenantDoNotWaitForOneAnother(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	migrated(t, o)
	b := newOffice(t, o)
	tx, err := rawDB(t, o).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `UPDATE subscriptions SET name = 'new' WHERE id = $1`, b.subscription.ID)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, b.here.CreateSubscription(ctx, newOrderSubscription(b.subscription.Tenant)))
	between := b.look(t, b.there)
	require.Len(t, between.planned, 2)
	require.Empty(t, between.subscription.Name)
	require.NoError(t, tx.Commit())
	require.Equal(t, "new", b.look(t, b.there).subscription.Name)
}

// TestWorkOfADeletedEvent takes the event away as only a hand can: whatever deletes events takes their deliveries along.
func TestWorkOfADeletedEvent(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	migrated(t, o)
	b := newOffice(t, o)
	_, err := rawDB(t, o).ExecContext(t.Context(), fmt.Sprintf("DELETE FROM events WHERE id = '%s'", b.delivery.EventID))
	require.NoError(t, err)
	work, err := b.there.Work(t.Context(), b.delivery.ID)
	require.NoError(t, err)
	require.Nil(t, work.Event)
	require.Equal(t, b.subscription, work.Subscription)
}
