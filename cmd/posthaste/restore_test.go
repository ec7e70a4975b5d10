package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// restoreLimit bounds the time until everything that is owed is delivered after a restore. Temporal takes a minute to find
// that an attempt was cut off, so the test runs alone: beside others the rest of the limit would be short.
const restoreLimit = 75 * time.Second

// drill is a deployment whose two stores, ours on Postgres and Temporal's in a folder, can be restored apart.
type drill struct {
	t      *testing.T
	key    string
	up     *sink // a receiver that works
	down   *sink // one that does not until all is restored
	engine *engine.Engine
	*program
}

// state names what both stores hold.
type state struct {
	database, folder string
	another          bool // the folder's Temporal is not the one that the database belongs to
}

// run starts everything on the state.
func (d *drill) run(s state) {
	d.t.Helper()
	address := freeAddress(d.t)
	var err error
	d.engine, err = engine.Start(d.t.Context(), engine.Options{
		Listen: address, Store: engine.SQLite(s.folder), Namespace: workflows.Namespace, SearchAttributes: workflows.SearchAttributes(),
	})
	require.NoError(d.t, err)
	env := []string{
		"TEMPORAL_ADDRESS=" + address, "POSTHASTE_DATABASE_URL=" + s.database, "POSTHASTE_API_KEY=" + testKey,
		"POSTHASTE_MASTER_KEY=" + d.key, "POSTHASTE_ALLOW_NETWORKS=127.0.0.0/8",
	}
	require.Zero(d.t, start(d.t, env, "migrate", "up").exitCode())
	if s.another {
		require.Zero(d.t, start(d.t, env, "migrate", "release-temporal").exitCode())
	}
	d.program = start(d.t, env, "server", "--listen", "127.0.0.1:0")
	d.program.key = testKey
}

// halt kills the program, and stops Temporal.
func (d *drill) halt() {
	d.t.Helper()
	d.kill()
	require.NoError(d.t, d.engine.Stop(context.WithoutCancel(d.t.Context())))
}

// backup copies what both stores hold, while nothing runs.
func (d *drill) backup(s state) state {
	d.t.Helper()
	from, err := url.Parse(s.database)
	require.NoError(d.t, err)
	to, err := url.Parse(pgtest.URL(d.t))
	require.NoError(d.t, err)
	admin := *from
	admin.Path = "/postgres"
	db, err := sql.Open("pgx", admin.String())
	require.NoError(d.t, err)
	defer db.Close()
	for _, statement := range []string{"DROP DATABASE %[2]s", "CREATE DATABASE %[2]s TEMPLATE %[1]s"} {
		statement = fmt.Sprintf(statement, from.Path[1:], to.Path[1:])
		require.Eventually(d.t, func() bool { // the killed program's connections take a moment to be gone
			_, err = db.ExecContext(d.t.Context(), statement)
			return err == nil
		}, time.Minute, 50*time.Millisecond, "%s: %v", statement, err)
	}
	folder := d.t.TempDir()
	require.NoError(d.t, os.CopyFS(folder, os.DirFS(s.folder)))
	return state{database: to.String(), folder: folder}
}

// publishSome publishes events for each of the receivers and returns their ids.
func (d *drill) publishSome(count int, eventType string) (ids []string) {
	d.t.Helper()
	for i := range count {
		var out struct{ ID string }
		d.call(http.StatusAccepted, http.MethodPost, "/v1/events", object{"type": eventType, "data": i}, &out)
		ids = append(ids, out.ID)
	}
	return ids
}

// acceptBehind stores events while no program runs: some accepted only, some whose deliveries are planned and that have
// no workflow.
func (d *drill) acceptBehind(s state, count int) (ids []string) {
	d.t.Helper()
	opened, err := store.Open(d.t.Context(), store.Options{DatabaseURL: s.database})
	require.NoError(d.t, err)
	defer opened.Close()
	for i := range count {
		event := models.NewEvent(models.Event{Type: "up.x", Data: []byte("1")}, time.Now())
		_, err := opened.CreateEvents(d.t.Context(), []*models.Event{event})
		require.NoError(d.t, err)
		if i%2 == 0 {
			_, err = opened.PlanDeliveries(d.t.Context(), event.ID, nil)
			require.NoError(d.t, err)
		}
		ids = append(ids, event.ID)
	}
	return ids
}

// requireArrived waits until the receiver has got each of the events more often than before, and returns how many of the
// requests beyond the first of each there were.
func (d *drill) requireArrived(s *sink, ids []string, before map[string]int) (twice int) {
	d.t.Helper()
	arrived := func(id string) bool { return s.times(id) > before[id] }
	require.Eventually(d.t, func() bool { return !slices.ContainsFunc(ids, func(id string) bool { return !arrived(id) }) },
		restoreLimit, 100*time.Millisecond, "of %d deliveries some are lost", len(ids))
	for _, id := range ids {
		twice += s.times(id) - before[id] - 1
	}
	return twice
}

// requireSettled waits until nothing is accepted or pending, and no workflow is open but those of so many dead letters.
func (d *drill) requireSettled(kept int64) {
	d.t.Helper()
	c, err := client.Dial(client.Options{HostPort: d.engine.Address(), Namespace: workflows.Namespace})
	require.NoError(d.t, err)
	defer c.Close()
	require.Eventually(d.t, func() bool {
		counted, err := c.CountWorkflow(d.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Running'"})
		var stats struct{ Backlog struct{ Events int } }
		d.call(http.StatusOK, http.MethodGet, "/v1/stats", nil, &stats)
		return err == nil && counted.GetCount() == kept && stats.Backlog.Events == 0 && len(d.deliveries("status=pending&limit=200")) == 0
	}, restoreLimit, 200*time.Millisecond)
}

// TestStoresRestoredApart restores one of the two stores from a backup and leaves the other one as it is. Each time all
// that the store in force has accepted is delivered, the new events at once, and nothing is left open.
func TestStoresRestoredApart(t *testing.T) {
	const some = 10
	d := &drill{t: t, key: keyring.New(), up: newSink(t, 204), down: newSink(t, 500)}
	now := state{database: pgtest.URL(t), folder: t.TempDir()}

	d.run(now)
	d.subscribe(d.up.url, object{"event_types": []string{"up.*"}})
	retries := slices.Repeat([]string{"3s"}, 50)
	d.subscribe(d.down.url, object{"event_types": []string{"down.*"}, "retry_schedule": retries})
	exhausting, _ := d.subscribe(d.down.url, object{"event_types": []string{"kept.*"}, "retry_schedule": []string{"8s"}})
	d.requireArrived(d.up, d.publishSome(some, "up.settled"), nil)
	owedUp, owedDown := d.publishSome(some, "up.x"), append(d.publishSome(some/2, "down.x"), d.publishSome(1, "kept.x")...)
	d.requireArrived(d.down, owedDown, nil)
	d.halt()
	waiting := d.acceptBehind(now, 2*some)
	then := d.backup(now)

	d.run(now)
	d.requireArrived(d.up, slices.Concat(owedUp, waiting), nil) // so their workflows have closed, which the backup does not know
	forgottenUp, forgottenDown := d.publishSome(some, "up.x"), d.publishSome(some/2, "down.x")
	d.requireArrived(d.up, forgottenUp, nil)
	d.requireArrived(d.down, forgottenDown, nil)
	require.Eventually(t, func() bool { return len(d.deliveries("status=exhausted&subscription_id="+exhausting)) == 1 },
		deliveryLimit, 100*time.Millisecond) // its workflow waits for an operator now, in the backup for a retry
	d.halt()
	unfinished := d.backup(now)
	d.down.answer(204)
	pending := slices.Concat(owedDown[:some/2], forgottenDown)

	for _, tt := range []struct {
		name     string
		state    state
		up, down []string // what the store owes
		kept     int64
	}{
		{"ours", state{database: then.database, folder: now.folder}, waiting, owedDown, 0},
		{"Temporal's", state{database: now.database, folder: then.folder}, nil, pending, 1},
		{"Temporal's, and it is empty", state{database: unfinished.database, folder: t.TempDir(), another: true}, nil, pending, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.t = t
			before := map[string]int{}
			for _, id := range slices.Concat(tt.up, tt.down) {
				before[id] = d.up.times(id) + d.down.times(id)
			}
			arrived := d.up.requests()
			d.run(tt.state)
			defer d.halt()
			d.requireArrived(d.up, d.publishSome(some, "up.later"), nil)
			twice := d.requireArrived(d.up, tt.up, before) + d.requireArrived(d.down, tt.down, before)
			d.requireSettled(tt.kept)
			t.Logf("%d requests for what the receiver that works had, %d of what was owed twice", d.up.requests()-arrived-some, twice)
		})
	}
}
