package main

import (
	"cmp"
	"database/sql"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporalclient "go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// These flags set the size of TestSoak; CONTRIBUTING.md has a long run.
var (
	soakEvents   = flag.Int("soak-events", 200, "events to publish in TestSoak")
	soakRate     = flag.Float64("soak-rate", 80, "events to publish in a second in TestSoak; 0: as fast as they are accepted")
	soakEvery    = flag.Duration("soak-every", time.Second, "mean time in TestSoak from when the program is ready until it is killed")
	soakSeed     = flag.Uint64("soak-seed", 0, "seed of the moments of the kills in TestSoak, which it prints; 0: another one each time")
	soakDatabase = flag.String("soak-database", "", "sqlite or postgres in TestSoak; the modes take turns by default")
)

const (
	soakPublishers = 12
	// soakAnswer is how long the receiver takes to answer, so that every kill finds requests under way.
	soakAnswer = 100 * time.Millisecond
	// soakLimit bounds the time that is left after the last kill. Temporal takes a minute to find that an attempt was cut off.
	soakLimit = 4 * deliveryLimit
)

// TestSoak kills the whole program again and again while events are published, and requires that each event that was accepted
// arrives, that it arrives once more for each kill that came between its request and the record of it and never else, and that
// nothing stays open.
func TestSoak(t *testing.T) {
	t.Parallel()
	for i, mode := range models.DeliveryModes() {
		database := cmp.Or(*soakDatabase, []string{"sqlite", "postgres"}[i%2])
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSoak(t, mode, database)
			began := time.Now()
			s.killUntil(s.publish())
			s.awaitDelivered()
			s.awaitCompleted()
			t.Logf("%s on %s: %d events, %d kills, %d lost, %d twice of %d under way at the kills (at most %d at one), %s",
				mode, database, len(s.accepted), s.kills, s.lost(), s.receiver.requests()-s.receiver.events(), s.interrupted(), s.most,
				time.Since(began).Round(time.Second))
			s.requireAgreement()
			require.Zero(t, s.interrupt())
		})
	}
}

// soak is a program that is killed under load, with a publisher and a receiver.
type soak struct {
	*program // the one that runs
	env      []string
	args     []string
	address  string
	store    *sql.DB
	receiver *sink
	temporal temporalclient.Client
	mode     models.DeliveryMode
	database string
	moments  *rand.Rand // of the kills

	accepted map[string]bool // ids of events
	kills    int
	arrived  map[string]int // requests of each event, at the last kill
	cut      map[string]int // requests of each event that had arrived at a kill, and were not on record
	most     int            // at one kill
}

func newSoak(t *testing.T, mode models.DeliveryMode, database string) *soak {
	t.Helper()
	s := &soak{
		mode: mode, database: database, address: freeAddress(t), receiver: newSink(t, http.StatusNoContent), cut: map[string]int{},
		moments: newMoments(t),
	}
	s.receiver.takes = soakAnswer
	folder, temporal := t.TempDir(), freeAddress(t)
	driver, source := "sqlite", filepath.Join(folder, "posthaste.db")
	s.env = serverEnv("")
	if database == "postgres" {
		driver, source = "pgx", pgtest.OwnURL(t) // the embedded engine's databases have fixed names
		s.env = serverEnv(source)
	}
	s.args = []string{
		"server", "--engine", "embedded", "--delivery-mode", string(mode), "--data", folder, "--allow-networks", "127.0.0.0/8",
		"--listen", s.address, "--ui-listen", "127.0.0.1:0", "--temporal-listen", temporal,
	}
	require.Zero(t, start(t, s.env, "migrate", "up", "--data", folder).exitCode())
	var err error
	s.store, err = sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.store.Close()) })
	s.start(t)
	s.subscribe(s.receiver.url, nil)
	s.temporal, err = temporalclient.Dial(temporalclient.Options{HostPort: temporal, Namespace: workflows.Namespace, Logger: quietSDK{}})
	require.NoError(t, err)
	t.Cleanup(s.temporal.Close)
	return s
}

// newMoments are random numbers that the printed seed gives again.
func newMoments(t *testing.T) *rand.Rand {
	t.Helper()
	seed := cmp.Or(*soakSeed, rand.Uint64())
	t.Logf("the moments of the kills come from -soak-seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// untilKill is how long a ready program runs until it is killed: from nothing to twice the mean.
func (s *soak) untilKill() time.Duration {
	return time.Duration(s.moments.Float64() * 2 * float64(*soakEvery))
}

// start starts the program and waits until it is ready.
func (s *soak) start(t *testing.T) {
	t.Helper()
	s.program = start(t, s.env, s.args...)
	s.key = testKey
	s.apiURL()
}

// publish publishes the events in the background. Each of them is sent until it is accepted, however often the program is
// killed meanwhile.
func (s *soak) publish() *errgroup.Group {
	pace := rate.NewLimiter(rate.Inf, 1)
	if *soakRate > 0 {
		pace.SetLimit(rate.Limit(*soakRate))
	}
	publisher, err := client.New("http://"+s.address, testKey, client.WithMaxAttempts(math.MaxInt))
	require.NoError(s.t, err)
	var mu sync.Mutex
	s.accepted = map[string]bool{}
	group, ctx := errgroup.WithContext(s.t.Context())
	group.SetLimit(soakPublishers + 1)
	group.Go(func() error {
		for i := range *soakEvents {
			if err := pace.Wait(ctx); err != nil {
				return err
			}
			group.Go(func() error {
				event := client.Event{Type: "order.paid", Data: i, IdempotencyKey: fmt.Sprintf("order-%d", i)}
				published, err := publisher.Publish(ctx, event)
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				s.accepted[published.ID] = true
				return nil
			})
		}
		return nil
	})
	return group
}

// killUntil kills the program, and starts it again, until the publishers are done.
func (s *soak) killUntil(publishers *errgroup.Group) {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- publishers.Wait() }()
	for {
		select {
		case err := <-done:
			require.NoError(s.t, err)
			require.Positive(s.t, s.kills, "all was published before the first kill: publish more, or more slowly")
			return
		case <-time.After(s.untilKill()):
			s.kill()
			s.kills++
			s.noteCut()
			s.start(s.t)
		}
	}
}

// noteCut notes, while no program runs, which requests had arrived in its lifetime without being on record.
func (s *soak) noteCut() {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.receiver.idle() && s.sessions() == 0 }, deliveryLimit, time.Millisecond)
	recorded, before := s.recorded(), s.interrupted()
	arrived := s.receiver.arrived()
	for id, times := range arrived {
		if times > s.arrived[id] && recorded[id] == 0 {
			s.cut[id]++
		}
	}
	s.arrived, s.most = arrived, max(s.most, s.interrupted()-before)
}

// sessions is how many sessions Postgres has for the program. After a kill they end with the commit that they are making.
func (s *soak) sessions() int {
	s.t.Helper()
	if s.database == "sqlite" {
		return 0
	}
	return s.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
}

// recorded is how many attempts of each event are on record.
func (s *soak) recorded() map[string]int {
	s.t.Helper()
	rows, err := s.store.QueryContext(s.t.Context(),
		"SELECT d.event_id, count(*) FROM attempts a JOIN deliveries d ON d.id = a.delivery_id GROUP BY d.event_id")
	require.NoError(s.t, err)
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var id string
		var count int
		require.NoError(s.t, rows.Scan(&id, &count))
		found[id] = count
	}
	require.NoError(s.t, rows.Err())
	return found
}

// number reads a single number from the store.
func (s *soak) number(query string) (count int) {
	s.t.Helper()
	require.NoError(s.t, s.store.QueryRowContext(s.t.Context(), query).Scan(&count))
	return count
}

func (s *soak) awaitDelivered() {
	s.t.Helper()
	limit := soakLimit + time.Duration(*soakEvents)*100*time.Millisecond
	require.Eventually(s.t, func() bool {
		return s.number("SELECT count(*) FROM deliveries WHERE status = 'delivered'") >= *soakEvents
	}, limit, 500*time.Millisecond)
}

// awaitCompleted waits until Temporal lists each workflow of the store as completed, and no other workflow in another state.
func (s *soak) awaitCompleted() {
	s.t.Helper()
	all := &node{temporal: s.temporal}
	require.Eventually(s.t, func() bool {
		completed := map[string]bool{}
		for _, id := range all.list(s.t, "ExecutionStatus = 'Completed'") {
			completed[id] = true
		}
		missing := slices.DeleteFunc(s.workflows(), func(id string) bool { return completed[id] })
		others := all.list(s.t, "ExecutionStatus != 'Completed'")
		return len(missing)+len(others) == 0
	}, soakLimit, time.Second)
}

// workflows lists the workflows that the store tells of: those that planned events and, in ModeChild, one for each delivery.
func (s *soak) workflows() (ids []string) {
	s.t.Helper()
	rows, err := s.store.QueryContext(s.t.Context(), "SELECT e.id, e.planned_by, d.id FROM events e JOIN deliveries d ON d.event_id = e.id")
	require.NoError(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var event models.Event
		var delivery string
		require.NoError(s.t, rows.Scan(&event.ID, &event.PlannedBy, &delivery))
		ids = append(ids, event.WorkflowID())
		if s.mode == models.ModeChild {
			ids = append(ids, models.DeliveryWorkflowID(delivery))
		}
	}
	require.NoError(s.t, rows.Err())
	return ids
}

// lost is how many of the accepted events never arrived.
func (s *soak) lost() (count int) {
	for id := range s.accepted {
		if s.receiver.times(id) == 0 {
			count++
		}
	}
	return count
}

// interrupted is how many requests were under way at the kills.
func (s *soak) interrupted() (count int) {
	for _, kills := range s.cut {
		count += kills
	}
	return count
}

// requireAgreement requires that publisher, receiver and store tell the same.
func (s *soak) requireAgreement() {
	s.t.Helper()
	require.Len(s.t, s.accepted, *soakEvents, "an event that is sent again keeps its id")
	require.Zero(s.t, s.lost())
	require.Equal(s.t, *soakEvents, s.receiver.events())
	for id, times := range s.receiver.arrived() {
		require.Equal(s.t, 1+s.cut[id], times, "requests of event %s, each of which but the last was cut off by a kill", id)
	}
	require.Equal(s.t, *soakEvents, s.number("SELECT count(*) FROM events"))
	require.Equal(s.t, *soakEvents, s.number("SELECT count(*) FROM deliveries"))
	require.Equal(s.t, *soakEvents, s.number("SELECT count(DISTINCT event_id) FROM deliveries WHERE status = 'delivered'"))
	require.Equal(s.t, s.number("SELECT count(*) FROM attempts"), s.number(`SELECT (SELECT coalesce(sum(attempts), 0) FROM attempt_stats) + (SELECT count(*) FROM attempt_marks WHERE bucket >= 0)`))
	recorded := s.recorded()
	for id := range s.accepted {
		require.Equal(s.t, 1, recorded[id], "event %s: an attempt that was made again has the same number", id)
	}
}
