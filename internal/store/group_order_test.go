package store

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/posthaste/posthaste/models"
)

func TestOrderOfACommit(t *testing.T) {
	t.Parallel()
	g, gate := gatedGroup()
	close(gate.open)
	var done []string
	g.insert = func(_ *gorm.DB, events []*eventRow) (map[string]bool, error) {
		for _, row := range events {
			done = append(done, row.ID)
		}
		return nil, nil
	}
	g.plan = func(_ *gorm.DB, requests []*planRequest) error {
		for _, r := range requests {
			done = append(done, r.eventIDs...)
		}
		return nil
	}
	g.record = func(_ *gorm.DB, records []*record) error {
		for _, r := range records {
			done = append(done, r.attempt.DeliveryID)
		}
		return nil
	}
	batch := []*write{newRecording(t, "delivery", 1), planningOf(t, "event"), creating(t)}
	batch[2].create.events = []*eventRow{{ID: "new"}}
	g.commit(batch)
	for _, w := range batch {
		require.NoError(t, <-w.done)
	}
	require.Equal(t, []string{"new", "event", "delivery"}, done)
}

func TestGroupIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	g, _ := gatedGroup()
	add := func(sizes ...int) {
		for _, size := range sizes {
			w := creating(t)
			w.create.events = []*eventRow{{Data: make([]byte, size)}}
			g.waiting = append(g.waiting, w)
		}
	}
	add(2*groupBytes, 10, groupBytes/2, groupBytes/3, groupBytes/3)
	require.Len(t, g.take(), 1, "what is too large alone goes alone")
	require.Len(t, g.take(), 3)
	require.Len(t, g.take(), 1)
	for range 2 * groupLimit {
		add(1)
	}
	require.Len(t, g.take(), groupLimit)
}

func TestInsertIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	var rows []*eventRow
	for _, size := range []int{2 * insertBytes, insertBytes / 2, insertBytes / 3, insertBytes / 3} {
		rows = append(rows, &eventRow{Data: make([]byte, size)})
	}
	for range 2*insertChunk - 1 {
		rows = append(rows, &eventRow{})
	}
	var lengths []int
	for chunk := range inserts(rows, insertChunk) {
		lengths = append(lengths, len(chunk))
	}
	require.Equal(t, []int{1, 2, insertChunk, insertChunk}, lengths)
}

// TestSharedCommitsDoNotDeadlock has groups of writes commit at the same time that want the same, in opposite orders.
func TestSharedCommitsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	const rounds, each = 4, 24
	for name, crowd := range map[string]func(t *testing.T, d *desk) []func() *write{
		"new events with the same keys": func(t *testing.T, _ *desk) (all []func() *write) {
			t.Helper()
			run := models.NewID("")
			for i := range each {
				all = append(all, func() *write { return creating(t, fmt.Sprint(run, i), fmt.Sprint(run, 2*each-i)) })
			}
			return all
		},
		"plans of the same events": func(t *testing.T, d *desk) (all []func() *write) {
			t.Helper()
			for range each {
				id := d.publish(t, models.Event{Type: "a"}).ID
				all = append(all, func() *write { return planningOf(t, id) })
			}
			return all
		},
		"attempts of deliveries, and plans of their events": func(t *testing.T, d *desk) (all []func() *write) {
			t.Helper()
			for _, id := range d.pending(t, each) {
				delivery, err := d.Delivery(t.Context(), id)
				require.NoError(t, err)
				all = append(all, func() *write { return newRecording(t, id, 1) }, func() *write { return planningOf(t, delivery.EventID) })
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, postgresAt(t))
			d.write = d.write.Session(&gorm.Session{Logger: logger.Discard}) // the desk's is for one goroutine
			for range rounds {
				writes := crowd(t, d)
				one, other := make([]*write, len(writes)), make([]*write, len(writes))
				for i, write := range writes {
					one[i], other[len(other)-1-i] = write(), write()
				}
				d.records.insert = meeting(2)
				var both sync.WaitGroup
				both.Go(func() { d.records.commit(one) })
				both.Go(func() { d.records.commit(other) })
				both.Wait()
				for i := range one {
					require.NoError(t, errors.Join(<-one[i].done, <-other[i].done))
				}
			}
			require.Zero(t, d.deadlocks(t))
		})
	}
}

// TestRecordersLockInOneOrder has somebody hold a delivery in the middle, until two commits have locked what they can get of
// the same deliveries: those before it, and nothing else.
func TestRecordersLockInOneOrder(t *testing.T) {
	t.Parallel()
	d := newDesk(t, postgresAt(t))
	d.write = d.write.Session(&gorm.Session{Logger: logger.Discard})
	const count = 24
	ids := d.pending(t, count)
	one, other := make([]*write, count), make([]*write, count)
	for i, id := range ids {
		one[i], other[count-1-i] = newRecording(t, id, 1), newRecording(t, id, 1)
	}
	var both sync.WaitGroup
	require.NoError(t, d.inTransaction(t.Context(), "test", func(tx *gorm.DB) error {
		_, err := take[deliveryRow](tx.Clauses(forUpdate), "delivery", ids[count/2])
		both.Go(func() { d.records.commit(one) })
		both.Go(func() { d.records.commit(other) })
		const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
		require.Eventually(t, func() bool {
			var count int
			require.NoError(t, d.read.Raw(waiting).Scan(&count).Error)
			return count == 2
		}, time.Minute, 10*time.Millisecond)
		return err
	}))
	both.Wait()
	for i := range one {
		require.NoError(t, errors.Join(<-one[i].done, <-other[i].done))
	}
	require.Zero(t, d.deadlocks(t))
}

// meeting is insertEvents for so many transactions, of which none begins before the others do.
func meeting(count int64) func(tx *gorm.DB, rows []*eventRow) (map[string]bool, error) {
	var here atomic.Int64
	return func(tx *gorm.DB, rows []*eventRow) (map[string]bool, error) {
		for here.Add(1); here.Load() < count; {
			runtime.Gosched()
		}
		return insertEvents(tx, rows)
	}
}

// creating makes a new event for each of the keys.
func creating(t *testing.T, keys ...string) *write {
	t.Helper()
	w := newWrite(t, nil)
	w.task = task{create: &creation{}}
	for _, key := range keys {
		event := models.NewEvent(models.Event{Type: "b", Data: []byte("1"), IdempotencyKey: key}, time.Now())
		w.create.events = append(w.create.events, newEventRow(event))
	}
	return w
}

// planningOf is the plan of an event.
func planningOf(t *testing.T, eventID string) *write {
	t.Helper()
	w := newWrite(t, nil)
	w.task = task{plan: &planRequest{eventIDs: []string{eventID}, most: planPage}}
	return w
}

// newRecording is the record of an attempt.
func newRecording(t *testing.T, deliveryID string, number int) *write {
	t.Helper()
	attempt := exampleAttempt(deliveryID)
	attempt.Number = number
	w := newWrite(t, nil)
	w.task = task{record: newRecord(attempt, models.DeliveryOutcome{Status: models.DeliveryPending})}
	return w
}

// deadlocks is how many Postgres has had to end in this database.
func (d *desk) deadlocks(t *testing.T) (count int) {
	t.Helper()
	pool, err := d.write.DB()
	require.NoError(t, err)
	pool.SetMaxIdleConns(0) // one that ends reports its statistics
	const query = "SELECT deadlocks, (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) FROM pg_stat_database WHERE datname = current_database()"
	require.Eventually(t, func() bool {
		var connections int
		require.NoError(t, d.write.Raw(query).Row().Scan(&count, &connections))
		return connections == 1
	}, time.Minute, 10*time.Millisecond)
	return count
}
