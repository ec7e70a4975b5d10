package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

// interposed calls before ahead of each transaction, counted from 0, while no lock is held. Its error takes the place of
// the transaction.
type interposed struct {
	*sql.DB
	begun  int
	before func(n int) error
}

// BeginTx is what GORM begins transactions with.
func (p *interposed) BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	p.begun++
	if err := p.before(p.begun - 1); err != nil {
		return nil, err
	}
	return p.DB.BeginTx(ctx, o)
}

// pauseAmid pauses the desk's subscription, calls before ahead of each transaction of that, and returns how many there
// were. The desk itself is somebody else, who can write in between.
func (d *desk) pauseAmid(ctx context.Context, t *testing.T, log *slog.Logger, before func(n int) error) int {
	t.Helper()
	db, err := d.write.DB()
	require.NoError(t, err)
	pool := &interposed{DB: db, before: before}
	pausing := *d.Store
	pausing.log = log
	pausing.write = d.write.WithContext(ctx)
	pausing.write.Statement.ConnPool = pool
	paused, err := pausing.UpdateSubscription(ctx, d.sub.ID, to(models.SubscriptionPaused))
	require.NoError(t, err)
	require.Equal(t, models.SubscriptionPaused, paused.Status)
	return pool.begun
}

func to(status models.SubscriptionStatus) func(*models.Subscription) error {
	return func(s *models.Subscription) error {
		s.Status = status
		return nil
	}
}

// pending makes n deliveries that wait for the desk's subscription, and returns their ids in order.
func (d *desk) pending(t testing.TB, n int) []string {
	t.Helper()
	events, deliveries, ids := make([]*eventRow, n), make([]*deliveryRow, n), make([]string, n)
	for i := range n {
		events[i] = newEventRow(models.NewEvent(models.Event{Type: "a", Data: []byte("{}")}, time.Now()))
		events[i].Status, events[i].Epoch = models.EventPlanned, 1
		deliveries[i] = newDeliveryRow(events[i], &subscriber{ID: d.sub.ID, Payload: d.sub.Payload, Status: models.SubscriptionActive}, now())
		ids[i] = deliveries[i].ID
	}
	require.NoError(t, d.write.CreateInBatches(events, insertChunk).Error)
	require.NoError(t, d.write.CreateInBatches(deliveries, insertChunk).Error)
	require.IsIncreasing(t, ids)
	return ids
}

func (d *desk) requireCount(t *testing.T, want int, status models.DeliveryStatus) {
	t.Helper()
	sel := models.Selection{SubscriptionID: d.sub.ID, Statuses: []models.DeliveryStatus{status}}
	count, err := d.CountDeliveries(t.Context(), sel)
	require.NoError(t, err)
	require.Equal(t, want, count)
}

// TestPauseLetsOthersIn publishes, and records attempts of that very subscription, between the pages of a pause.
func TestPauseLetsOthersIn(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		const pages = 10
		ids := d.pending(t, pages*holdPage)
		begun := d.pauseAmid(t.Context(), t, d.log, func(n int) error {
			d.requireCount(t, min(max(n-1, 0), pages)*holdPage, models.DeliveryHeld)
			d.publish(t, models.Event{Tenant: "other", Type: "a"})
			last := ids[len(ids)-1] // held by the last page only
			return d.RecordAttempt(t.Context(), &models.Attempt{DeliveryID: last, Number: n + 1, StartedAt: time.Now()},
				models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now().Add(time.Hour)})
		})
		require.Equal(t, 1+pages+1+1, begun, "the change, the pages, that there is no further one, that nothing was locked")
		d.requireCount(t, len(ids), models.DeliveryHeld)
		d.requireCount(t, 0, models.DeliveryPending)
	})
}

// TestPauseInterrupted comes between the first page and the second.
func TestPauseInterrupted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		interrupt func(t *testing.T, d *desk, hangUp func()) error
		held      int
		logged    string
	}{
		"by the death of the process, leaves the rest": {func(*testing.T, *desk, func()) error {
			return errors.New("the process dies")
		}, holdPage, "the process dies"},
		"by a resumption, holds no more": {func(t *testing.T, d *desk, _ func()) error {
			t.Helper()
			resumed, err := d.UpdateSubscription(t.Context(), d.sub.ID, to(models.SubscriptionActive))
			require.Equal(t, models.DefaultRate, resumed.ResumeRate)
			return err
		}, holdPage, ""},
		"by the deletion of the subscription, holds no more": {func(t *testing.T, d *desk, _ func()) error {
			t.Helper()
			return d.DeleteSubscription(t.Context(), d.sub.ID)
		}, holdPage, ""},
		"by a caller who hangs up, goes on": {func(_ *testing.T, _ *desk, hangUp func()) error {
			hangUp()
			return nil
		}, holdPage + 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBothDesks(t, func(t *testing.T, d *desk) {
				d.pending(t, holdPage+1)
				ctx, hangUp := context.WithCancel(t.Context())
				defer hangUp()
				var log bytes.Buffer
				d.pauseAmid(ctx, t, slog.New(slog.NewTextHandler(&log, nil)), func(n int) error {
					if n == 2 {
						return c.interrupt(t, d, hangUp)
					}
					return nil
				})
				d.requireCount(t, c.held, models.DeliveryHeld)
				d.requireCount(t, holdPage+1-c.held, models.DeliveryPending)
				require.Equal(t, c.logged == "", log.Len() == 0, log.String())
				require.Contains(t, log.String(), c.logged)
			})
		})
	}
}

// TestPauseWaitsForNobody has an attempt's commit in its way, which others may share who wait for the pause.
func TestPauseWaitsForNobody(t *testing.T) {
	t.Parallel()
	d := newDesk(t, postgresAt(t))
	ids := d.pending(t, 3)
	recording := d.write.WithContext(t.Context()).Begin()
	require.NoError(t, recording.Error)
	defer recording.Rollback()
	_, err := lockDelivery(recording, ids[1])
	require.NoError(t, err)
	d.pauseAmid(t.Context(), t, d.log, func(n int) error {
		if n == 3 { // the second walk
			d.requireCount(t, 2, models.DeliveryHeld)
			return recording.Rollback().Error
		}
		return nil
	})
	d.requireCount(t, 3, models.DeliveryHeld)
}

// TestPageKeepsAResumptionOut tries to change the subscription before a page is committed: whoever resumes it has to see
// all that is held.
func TestPageKeepsAResumptionOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, postgresAt(t))
	ids := d.pending(t, 1)
	d.pauseAmid(t.Context(), t, d.log, func(n int) error {
		if n != 1 {
			return nil
		}
		page := d.write.WithContext(t.Context()).Begin()
		defer page.Rollback()
		last, err := holdSome(page, d.sub.ID, "")
		require.Equal(t, ids[0], last)
		atOnce := clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsNoWait}
		_, locked := take[subscriptionRow](d.write.WithContext(t.Context()).Clauses(atOnce), "subscription", d.sub.ID)
		require.ErrorContains(t, locked, "could not obtain lock")
		return err
	})
	d.requireCount(t, 1, models.DeliveryHeld)
}
