package store

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/models"
)

// archive is a Postgres store with the partitions of a day long ago.
type archive struct {
	*Store
	t      *testing.T
	sub    *models.Subscription
	past   time.Time
	before time.Time // everything of the past day has ended
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	o := postgresAt(t)
	var err error
	o.Keys, err = keyring.Parse(keyring.New())
	require.NoError(t, err)
	s, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)

	a := &archive{Store: s, t: t, past: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -40)}
	a.before = a.past.AddDate(0, 0, 5)
	a.sub = models.NewSubscription(models.Subscription{
		Tenant: "a", URL: "https://a.example", EventTypes: []string{"x"}, Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
	}, time.Now())
	require.NoError(t, s.CreateSubscription(t.Context(), a.sub))
	for _, table := range partitionedTables {
		require.NoError(t, a.makePartition(t.Context(), table, a.past))
	}
	return a
}

func (a *archive) exec(statement string, args ...any) {
	a.t.Helper()
	require.NoError(a.t, a.write.Exec(statement, args...).Error)
}

func (a *archive) count(table string) (rows int) {
	a.t.Helper()
	require.NoError(a.t, a.read.Raw("SELECT count(*) FROM "+table).Scan(&rows).Error)
	return rows
}

// event stores a planned event with an id of the time, and with a delivery that has one, too.
func (a *archive) event(at time.Time) (e *models.Event, deliveryID string) {
	a.t.Helper()
	e = models.NewEvent(models.Event{Tenant: a.sub.Tenant, Type: a.sub.EventTypes[0], Data: []byte(`{"n":1}`)}, at)
	suffix := strings.ToLower(ulid.MustNew(ulid.Timestamp(at), rand.Reader).String())
	e.ID = models.EventPrefix + suffix
	_, err := a.CreateEvents(a.t.Context(), []*models.Event{e})
	require.NoError(a.t, err)
	_, err = a.PlanDeliveries(a.t.Context(), e.ID, nil)
	require.NoError(a.t, err)
	a.exec("UPDATE deliveries SET id = ?, updated_at = ? WHERE event_id = ?", models.DeliveryPrefix+suffix, at, e.ID)
	return e, models.DeliveryPrefix + suffix
}

// attempt records an attempt with that outcome, as if at the time.
func (a *archive) attempt(deliveryID string, number int, at time.Time, status models.DeliveryStatus) {
	a.t.Helper()
	attempt := &models.Attempt{
		DeliveryID: deliveryID, Number: number, StartedAt: at, RequestHeaders: http.Header{"Webhook-Id": {deliveryID}},
		Exchange: models.Exchange{Status: 200 + number, Header: http.Header{"Server": {"x"}}, Body: []byte("answer")},
	}
	require.NoError(a.t, a.RecordAttempt(a.t.Context(), attempt, models.DeliveryOutcome{Status: status, NextAttemptAt: at}))
	a.exec("UPDATE deliveries SET updated_at = ? WHERE id = ?", at, deliveryID)
}

// requireWhole checks that nothing of the event and its attempts is missing. It reads in another process, which remembers nothing.
func (a *archive) requireWhole(e *models.Event, deliveryID string, attempts int) {
	a.t.Helper()
	a.memory.events.Purge()
	stored, err := a.Event(a.t.Context(), e.ID)
	require.NoError(a.t, err)
	require.Equal(a.t, e.Data, stored.Data)
	work, err := a.Work(a.t.Context(), deliveryID)
	require.NoError(a.t, err)
	if !work.Delivery.Status.Closed() {
		require.Equal(a.t, e.Data, work.Event.Data)
	}
	found, err := a.Attempts(a.t.Context(), deliveryID)
	require.NoError(a.t, err)
	require.Len(a.t, found, attempts)
	for i, attempt := range found {
		require.Equal(a.t, i+1, attempt.Number)
		require.Equal(a.t, http.Header{"Webhook-Id": {deliveryID}}, attempt.RequestHeaders)
		require.Equal(a.t, http.Header{"Server": {"x"}}, attempt.Header)
		require.Equal(a.t, []byte("answer"), attempt.Body)
	}
}

// ending is the pass of the installation in which the past day ends.
func (a *archive) ending(what models.Expiry) models.Ending {
	e := models.Ending{Expiry: what, At: a.before.Add(time.Hour), Keep: models.Retention{Events: time.Hour}}
	if what == models.ExpirePayloads {
		e.Keep = models.Retention{Payloads: time.Hour}
	}
	return e
}

// pass makes a whole pass, and returns the error of what comes after it.
func (a *archive) pass(what models.Expiry) (gone models.Removed, err error) {
	a.t.Helper()
	return a.passAs(a.ending(what))
}

func (a *archive) passAs(e models.Ending) (gone models.Removed, err error) {
	a.t.Helper()
	for again, over := time.Now(), false; !over; {
		var some models.Removed
		some, over, err = a.Expire(a.t.Context(), e, again)
		gone.Add(some)
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// keeping is the change to a retention of its own.
func keeping(keep time.Duration) func(*models.Tenant) error {
	return func(is *models.Tenant) error {
		is.Retention = &keep
		return nil
	}
}

func (a *archive) requirePast(there bool) {
	a.t.Helper()
	for _, table := range partitionedTables {
		days, err := a.partitions(a.t.Context(), table)
		require.NoError(a.t, err)
		require.Len(a.t, days, map[bool]int{true: partitionsAhead + 2, false: partitionsAhead + 1}[there], table.name)
	}
}

func TestADayIsDroppedAsAWhole(t *testing.T) {
	t.Parallel()
	for _, what := range []models.Expiry{models.ExpireEvents, models.ExpirePayloads} {
		t.Run(string(what), func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			ended, d1 := a.event(a.past.Add(time.Hour))
			a.attempt(d1, 1, a.past.Add(time.Hour), models.DeliveryDelivered)
			open, d2 := a.event(a.past.Add(2 * time.Hour))
			a.attempt(d2, 1, a.past.Add(2*time.Hour), models.DeliveryPending)
			accepted := models.NewEvent(models.Event{Tenant: "b", Type: "b", Data: []byte("2")}, a.past)
			accepted.ID = firstID(models.EventPrefix, a.past)
			_, err := a.CreateEvents(t.Context(), []*models.Event{accepted})
			require.NoError(t, err)
			young, d3 := a.event(time.Now())
			a.attempt(d3, 1, time.Now(), models.DeliveryDelivered)
			require.Equal(t, 3, a.count(partitionedTables[1].partition(a.past)))
			require.Equal(t, 2, a.count(partitionedTables[0].partition(a.past)))
			require.Zero(t, a.count("event_payloads_other")+a.count("attempt_payloads_other"))

			expected, last, err := a.Expiring(t.Context(), a.ending(what), "")
			require.NoError(t, err)
			require.Empty(t, last)
			gone, err := a.pass(what)
			require.NoError(t, err)
			require.Equal(t, expected, gone, "the dry run said so")
			require.Greater(t, gone.Bytes, int64(2*8192), "with what the files took")
			require.Equal(t, 1, gone.Events+gone.Payloads)
			a.requirePast(false)

			a.requireWhole(open, d2, 1)
			a.requireWhole(young, d3, 1)
			stored, err := a.Event(t.Context(), accepted.ID)
			require.NoError(t, err)
			require.Equal(t, accepted.Data, stored.Data)
			a.attempt(d2, 2, a.past.Add(3*time.Hour), models.DeliveryDelivered)
			a.requireWhole(open, d2, 2)
			require.Equal(t, 1, a.count("attempt_payloads_other"), "there is no partition for it any more")

			if what == models.ExpireEvents {
				_, err = a.Event(t.Context(), ended.ID)
				require.Equal(t, models.CodeNotFound, models.ErrorCode(err))
				gone, err = a.pass(models.ExpireLate)
				require.NoError(t, err)
				require.Equal(t, 1, gone.Events, "it was delivered meanwhile")
			} else {
				stored, err = a.Event(t.Context(), ended.ID)
				require.NoError(t, err)
				require.Empty(t, stored.Data)
				late := a.ending(models.ExpirePayloads)
				late.Expiry = models.ExpireLate
				gone, err = a.passAs(late)
				require.NoError(t, err)
				require.Equal(t, 1, gone.Payloads, "it was delivered meanwhile")
				attempts, err := a.Attempts(t.Context(), d2)
				require.NoError(t, err)
				require.Empty(t, attempts[0].Body)
				require.Empty(t, attempts[1].Body)
			}
			require.Zero(t, a.count("attempt_payloads_other"))
		})
	}
}

// TestADayThatIsReadIsDroppedLater has the process die, or give up, between the end of a pass and the drop.
func TestADayThatIsReadIsDroppedLater(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	_, d1 := a.event(a.past.Add(time.Hour))
	a.attempt(d1, 1, a.past.Add(time.Hour), models.DeliveryDelivered)
	open, d2 := a.event(a.past.Add(2 * time.Hour))
	a.attempt(d2, 1, a.past.Add(2*time.Hour), models.DeliveryPending)

	reader := a.read.Begin()
	require.NoError(t, reader.Exec("SELECT count(*) FROM attempt_payloads").Error)
	waits := make(chan time.Duration)
	go func() { // nobody who publishes meanwhile waits for the reader
		var longest time.Duration
		for began := time.Now(); time.Since(began) < 2*time.Second; {
			e := models.NewEvent(models.Event{Tenant: "c", Type: "c", Data: []byte("3")}, time.Now())
			tried := time.Now()
			if _, err := a.CreateEvents(t.Context(), []*models.Event{e}); err != nil {
				longest = time.Hour
			}
			longest = max(longest, time.Since(tried))
		}
		waits <- longest
	}()
	gone, err := a.pass(models.ExpireEvents)
	require.ErrorContains(t, err, "lock timeout")
	require.Equal(t, 1, gone.Events)
	require.Less(t, <-waits, 5*partitionWait)
	a.requirePast(true)
	require.NoError(t, a.Writable(t.Context()), "that is no fault of the database")

	a.attempt(d2, 2, a.past.Add(3*time.Hour), models.DeliveryPending)
	require.Equal(t, 3, a.count(partitionedTables[0].partition(a.past)), "it goes to a day that was looked at")
	_, err = a.dropPartitions(t.Context(), a.ending(models.ExpireEvents), a.before)
	require.ErrorContains(t, err, "lock timeout")
	require.Equal(t, 2, a.count("attempts WHERE request_headers IS NOT NULL"), "they were moved before the lock")
	a.attempt(d2, 3, a.past.Add(4*time.Hour), models.DeliveryPending)
	require.NoError(t, reader.Rollback().Error)
	bytes, err := a.dropPartitions(t.Context(), a.ending(models.ExpireEvents), a.before)
	require.NoError(t, err)
	require.Positive(t, bytes)
	a.requirePast(false)
	a.requireWhole(open, d2, 3)
}

func TestADayIsKeptThatNobodyHasLookedAt(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	e, d := a.event(a.past.Add(time.Hour))
	bytes, err := a.dropPartitions(t.Context(), a.ending(models.ExpireEvents), a.before)
	require.NoError(t, err)
	require.Zero(t, bytes)
	a.requirePast(true)
	a.requireWhole(e, d, 0)
}

func TestAMissingPartitionIsNoError(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for _, table := range partitionedTables {
		a.exec("DROP TABLE " + table.partition(time.Now().UTC()))
		a.exec("DROP TABLE " + table.partition(time.Now().UTC().AddDate(0, 0, 1)))
	}
	e, d := a.event(time.Now())
	a.attempt(d, 1, time.Now().Add(-time.Minute), models.DeliveryDelivered)
	require.Equal(t, 1, a.count("event_payloads_other"))
	require.Equal(t, 1, a.count("attempt_payloads_other"))
	a.requireWhole(e, d, 1)

	require.NoError(t, a.MakePartitions(t.Context()))
	require.NoError(t, a.MakePartitions(t.Context()))
	for _, table := range partitionedTables {
		days, err := a.partitions(t.Context(), table)
		require.NoError(t, err)
		require.Len(t, days, 1+partitionsAhead, "all but today's, which has rows elsewhere")
	}
	a.requireWhole(e, d, 1)

	a.before = time.Now().Add(time.Second)
	a.exec("UPDATE deliveries SET updated_at = ?", a.past)
	gone, err := a.pass(models.ExpireEvents)
	require.NoError(t, err)
	require.Equal(t, 1, gone.Events)
	require.Zero(t, a.count("event_payloads_other")+a.count("attempt_payloads_other"))
}

func TestPartitionsAreMadeByOneOfManyProcesses(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for _, table := range partitionedTables {
		for i := range partitionsAhead + 1 {
			a.exec("DROP TABLE " + table.partition(time.Now().UTC().AddDate(0, 0, i)))
		}
	}
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { errs <- a.MakePartitions(t.Context()) }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	require.NoError(t, a.MakePartitions(t.Context()), "for the days at which several met")
	a.requirePast(true)
}

// TestMigrationOfPayloads takes the migration back, so that rows are as an earlier version wrote them, and lets a process die that
// waits in the middle of it.
func TestMigrationOfPayloads(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	const without = 22
	old, d1 := a.event(time.Now())
	a.attempt(d1, 1, time.Now(), models.DeliveryPending)
	_, err := a.MigrateDown(t.Context(), without)
	require.NoError(t, err)
	var inline int
	require.NoError(t, a.read.Raw("SELECT count(*) FROM events AS e, attempts AS a WHERE length(e.data) > 0 AND a.request_headers IS NOT NULL").Scan(&inline).Error)
	require.Equal(t, 1, inline)

	reader := a.read.Begin()
	require.NoError(t, reader.Exec("SELECT count(*) FROM events").Error)
	ctx, die := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer die()
	_, err = a.Migrate(ctx)
	require.Error(t, err)
	require.NoError(t, reader.Rollback().Error)
	require.Error(t, a.CheckMigrated(t.Context()))
	require.Error(t, a.read.Exec("SELECT 1 FROM event_payloads").Error, "nothing of it has happened")

	_, err = a.Migrate(t.Context())
	require.NoError(t, err)
	a.requireWhole(old, d1, 1)
	a.attempt(d1, 2, time.Now(), models.DeliveryDelivered)
	a.requireWhole(old, d1, 2)
	young, d2 := a.event(time.Now())
	a.attempt(d2, 1, time.Now(), models.DeliveryDelivered)
	a.requireWhole(young, d2, 1)
	listed, err := a.Events(t.Context(), models.EventFilter{Tenant: a.sub.Tenant})
	require.NoError(t, err)
	require.Len(t, listed, 2)
	require.Equal(t, young.Data, listed[0].Data)
	require.Equal(t, old.Data, listed[1].Data)

	a.before = time.Now().Add(time.Second)
	a.exec("UPDATE deliveries SET updated_at = ?", a.past)
	gone, err := a.pass(models.ExpireEvents)
	require.NoError(t, err)
	require.Equal(t, 2, gone.Events, "old and new rows end")
}

// TestADayIsDroppedThatATenantKeeps has deliveries be opened again after the pass that looked at their events: what is sent and
// answered from then on goes to partitions that end before the event does.
func TestADayIsDroppedThatATenantKeeps(t *testing.T) {
	t.Parallel()
	for _, what := range []models.Expiry{models.ExpireEvents, models.ExpirePayloads} {
		t.Run(string(what), func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			keep := 1000 * 24 * time.Hour
			require.NoError(t, a.UpdateTenant(t.Context(), a.sub.Tenant, keeping(keep)))
			again, d1 := a.event(a.past.Add(time.Hour))
			a.attempt(d1, 1, a.past.Add(time.Hour), models.DeliveryDelivered)
			open, d2 := a.event(a.past.Add(2 * time.Hour))
			a.attempt(d2, 1, a.past.Add(2*time.Hour), models.DeliveryPending)
			missed, d3 := a.event(a.past.Add(3 * time.Hour))
			a.attempt(d3, 1, a.past.Add(3*time.Hour), models.DeliveryDelivered)

			reader := a.read.Begin()
			require.NoError(t, reader.Exec("SELECT count(*) FROM attempt_payloads").Error)
			gone, err := a.pass(what)
			require.ErrorContains(t, err, "lock timeout")
			require.Zero(t, gone.Rows())
			redeliver := models.Change{Act: models.ActRedeliver, At: time.Now(), After: 1, Why: models.Why{By: "ann"}}
			_, err = a.ChangeDelivery(t.Context(), d1, redeliver)
			require.NoError(t, err)
			later := models.NewSubscription(models.Subscription{
				Tenant: "a", URL: "https://b.example", EventTypes: []string{"x"}, Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
			}, time.Now())
			require.NoError(t, a.CreateSubscription(t.Context(), later))
			added, err := a.AddDelivery(t.Context(), missed.ID, later.ID, 0)
			require.NoError(t, err)
			a.attempt(d1, 2, a.past.Add(4*time.Hour), models.DeliveryDelivered)
			a.attempt(d2, 2, a.past.Add(4*time.Hour), models.DeliveryDelivered)
			a.attempt(added.ID, 1, time.Now(), models.DeliveryDelivered)
			require.Equal(t, 5, a.count(partitionedTables[0].partition(a.past)))
			require.NoError(t, reader.Rollback().Error)

			_, err = a.pass(what)
			require.NoError(t, err)
			a.requirePast(false)
			a.before = time.Now().Add(48 * time.Hour) // the days of the later attempts end, too
			_, err = a.pass(what)
			require.NoError(t, err)
			require.Zero(t, a.count("attempt_payloads"))
			a.requireWhole(again, d1, 2)
			a.requireWhole(open, d2, 2)
			a.requireWhole(missed, d3, 1)
			a.requireWhole(missed, added.ID, 1)
		})
	}
}

func TestWhatATenantKeepsShorterLeavesItsDay(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	keep := 24 * time.Hour
	require.NoError(t, a.UpdateTenant(t.Context(), a.sub.Tenant, keeping(keep)))
	_, d1 := a.event(a.past.Add(time.Hour))
	a.attempt(d1, 1, a.past.Add(time.Hour), models.DeliveryDelivered)
	open, d2 := a.event(a.past.Add(2 * time.Hour))
	a.attempt(d2, 1, a.past.Add(2*time.Hour), models.DeliveryPending)

	own := models.Ending{Expiry: models.ExpireEvents, Tenant: "a", At: a.past.AddDate(0, 0, 3)}
	gone, err := a.passAs(own)
	require.NoError(t, err)
	require.Equal(t, 1, gone.Events)
	a.requirePast(true)
	require.Equal(t, 1, a.count("event_payloads"))
	require.Equal(t, 1, a.count("attempt_payloads"))
	a.requireWhole(open, d2, 1)
	a.attempt(d2, 2, a.past.Add(4*time.Hour), models.DeliveryDelivered)
	own.Expiry, own.Tenant = models.ExpireLate, ""
	gone, err = a.passAs(own)
	require.NoError(t, err)
	require.Equal(t, 1, gone.Events)
	require.Zero(t, a.count("event_payloads")+a.count("attempt_payloads"))
}

// TestARedeliveryDuringAPassIsKept has a redelivery begin while a batch has locked its event, and has moved nothing yet.
func TestARedeliveryDuringAPassIsKept(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	keep := 1000 * 24 * time.Hour
	require.NoError(t, a.UpdateTenant(t.Context(), a.sub.Tenant, keeping(keep)))
	e, d := a.event(a.past.Add(time.Hour))
	a.attempt(d, 1, a.past.Add(time.Hour), models.DeliveryDelivered)
	reader := a.read.Begin() // the day is not dropped before the second attempt
	require.NoError(t, reader.Exec("SELECT count(*) FROM attempt_payloads").Error)
	holder := a.write.Begin()
	require.NoError(t, holder.Exec("SELECT FROM deliveries WHERE id = ? FOR UPDATE", d).Error)

	passed, redelivered := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := a.passAs(a.ending(models.ExpireEvents))
		passed <- err
	}()
	a.requireWaiting(1)
	go func() {
		redeliver := models.Change{Act: models.ActRedeliver, At: time.Now(), After: 1, Why: models.Why{By: "ann"}}
		_, err := a.ChangeDelivery(t.Context(), d, redeliver)
		redelivered <- err
	}()
	a.requireWaiting(2)
	require.NoError(t, holder.Rollback().Error)
	require.NoError(t, <-redelivered)
	require.ErrorContains(t, <-passed, "lock timeout")

	a.attempt(d, 2, a.past.Add(4*time.Hour), models.DeliveryDelivered)
	require.Equal(t, 2, a.count(partitionedTables[0].partition(a.past)))
	require.NoError(t, reader.Rollback().Error)
	_, err := a.pass(models.ExpireEvents)
	require.NoError(t, err)
	a.requirePast(false)
	a.requireWhole(e, d, 2)
}

// requireWaiting waits until so many transactions wait for a lock.
func (a *archive) requireWaiting(count int) {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		return a.count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") >= count
	}, 10*time.Second, 5*time.Millisecond)
}

// TestAnEventThatHasSettledIsLateNoLonger has an event be open when its day ends for the others. Once it is at rest, its tenant's
// own pass comes by it; if that has come by already, the event stays marked.
func TestAnEventThatHasSettledIsLateNoLonger(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, passed := range map[string]bool{"its tenant's pass comes": false, "its tenant's pass has been there": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			e, d := a.event(a.past.Add(time.Hour))
			a.attempt(d, 1, a.past.Add(time.Hour), models.DeliveryPending)
			own := models.Ending{Expiry: models.ExpireEvents, Tenant: a.sub.Tenant, At: a.before}
			if passed {
				require.NoError(t, a.UpdateTenant(t.Context(), a.sub.Tenant, keeping(day)))
				_, err := a.passAs(own)
				require.NoError(t, err)
			}
			require.NoError(t, a.UpdateTenant(t.Context(), a.sub.Tenant, keeping(1000*day)))
			_, err := a.pass(models.ExpireEvents)
			require.NoError(t, err)
			late := func() int {
				_, err := a.pass(models.ExpireLate)
				require.NoError(t, err)
				return a.count("events WHERE payload_late")
			}
			require.Equal(t, 1, late(), "it is open")
			a.attempt(d, 2, a.before.Add(30*time.Minute), models.DeliveryDelivered)
			require.Equal(t, 1, late(), "it has just come to rest")
			a.before = a.before.Add(time.Hour)
			require.Equal(t, map[bool]int{false: 0, true: 1}[passed], late())
			a.exec("DELETE FROM attempt_payloads") // as if the later day had been dropped
			a.requireWhole(e, d, 2)

			_, err = a.ChangeDelivery(t.Context(), d, models.Change{Act: models.ActRedeliver, At: time.Now(), After: 2, Why: models.Why{By: "ann"}})
			require.NoError(t, err)
			require.Equal(t, 1, late(), "it is open again")
			a.attempt(d, 3, a.before, models.DeliveryDelivered)
			require.NoError(t, a.UpdateTenant(t.Context(), a.sub.Tenant, keeping(day)))
			own.At = a.before.Add(3 * day)
			gone, err := a.passAs(own)
			require.NoError(t, err)
			own.Expiry, own.Tenant = models.ExpireLate, ""
			rest, err := a.passAs(own)
			require.NoError(t, err)
			require.Equal(t, 1, gone.Events+rest.Events)
		})
	}
}
