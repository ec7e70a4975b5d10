package main

import (
	"database/sql"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/pgtest"
)

// eraseEvents sets the size of TestEraseTenantWhileKilled.
var eraseEvents = flag.Int("erase-events", 200, "events of the tenant that TestEraseTenantWhileKilled erases")

// stayingEvents is the number of events of the tenant that stays.
const stayingEvents = 200

// TestEraseTenantWhileKilled erases one of two tenants while the program is killed twice, and then looks for its ids and its
// payloads in every row of every table of ours and of Temporal's, partitions included, and in the log. The log never has a
// payload, and no id in what was written after the end of the erasure. Temporal's timers and tasks may keep ids, and no payload.
func TestEraseTenantWhileKilled(t *testing.T) {
	t.Parallel()
	server := pgtest.OwnURL(t)
	env, folder := serverEnv(server), t.TempDir()
	args := []string{
		"server", "--engine", "embedded", "--listen", "127.0.0.1:0", "--ui-listen", "127.0.0.1:0",
		"--temporal-listen", "127.0.0.1:0", "--allow-networks", "127.0.0.0/8", "--data", folder,
		"--log-level", "debug",
	}
	require.Zero(t, start(t, env, "migrate", "up").exitCode())
	p := start(t, env, args...)
	p.key = testKey
	runs := []*program{p}
	good, bad := newSink(t, http.StatusNoContent), newSink(t, http.StatusServiceUnavailable)
	ids := map[string][]string{"leaving": p.fill("leaving", *eraseEvents, good, bad), "staying": p.fill("staying", stayingEvents, good, bad)}
	all, limit := *eraseEvents+stayingEvents, soakLimit+time.Duration(*eraseEvents)*50*time.Millisecond
	require.Eventually(t, func() bool { return good.requests() >= all && bad.requests() >= all }, limit, 100*time.Millisecond)

	everything := func() haystack {
		return dumpDatabases(t, server, erasable, "test_1", "temporal", "temporal_visibility").decoded()
	}
	before := everything()
	for _, tenant := range []string{"leaving", "staying"} {
		before.requireIn(t, newNeedle("a payload", "payload of "+tenant))
	}
	for tenant := range ids {
		ids[tenant] = append(ids[tenant], deliveryIDs(t, server, tenant)...)
	}
	found := before.ids()
	require.True(t, found[ids["leaving"][0]] && found[ids["staying"][0]], "the search is blind")

	var erasure struct {
		ID         string
		FinishedAt time.Time `json:"finished_at"`
		Events     int
		Deliveries int
		Workflows  int
	}
	p.call(http.StatusAccepted, http.MethodDelete, "/v1/tenants/leaving", nil, &erasure)
	for range 2 { // once while rows are removed or right after, and once as soon as it is up again
		require.Eventually(t, func() bool {
			p.call(http.StatusOK, http.MethodGet, "/v1/erasures/"+erasure.ID, nil, &erasure)
			return erasure.Events > 0
		}, limit, 10*time.Millisecond)
		p.kill()
		p = start(t, env, args...)
		p.key = testKey
		runs = append(runs, p)
	}
	require.Eventually(t, func() bool {
		p.call(http.StatusOK, http.MethodGet, "/v1/erasures/"+erasure.ID, nil, &erasure)
		return !erasure.FinishedAt.IsZero()
	}, limit, time.Second)
	require.Equal(t, *eraseEvents, erasure.Events)
	require.Equal(t, 2**eraseEvents, erasure.Deliveries)
	t.Logf("%d events, %d deliveries and %d workflows erased", erasure.Events, erasure.Deliveries, erasure.Workflows)

	// Temporal deletes what it was told to delete in the background.
	left := map[string]bool{}
	require.Eventually(t, func() bool {
		after := everything()
		left = after.ids()
		return !newNeedle("a payload", "payload of leaving").in(after.text) &&
			!slices.ContainsFunc(ids["leaving"], func(id string) bool { return left[id] })
	}, limit, 5*time.Second)
	for _, id := range ids["staying"] {
		require.True(t, left[id], id)
	}
	dumpDatabases(t, server, isQueue, "temporal").decoded().requireNotIn(t, newNeedle("a payload", "payload of leaving"))
	var page struct{ Data []struct{ Action string } }
	p.call(http.StatusOK, http.MethodGet, "/v1/audit?tenant=leaving", nil, &page)
	require.Len(t, page.Data, 1)
	require.Equal(t, "tenant.erase", page.Data[0].Action)
	require.Zero(t, p.interrupt())

	earlier, later := splitLogs(t, runs, erasure.FinishedAt)
	for _, log := range []haystack{earlier, later} {
		log.requireNotIn(t, newNeedle("a payload", "payload of leaving"), newNeedle("a payload", "payload of staying"))
	}
	logged := earlier.ids()
	require.True(t, slices.ContainsFunc(ids["leaving"], func(id string) bool { return logged[id] }), "the search is blind")
	logged = later.ids()
	for _, id := range ids["leaving"] {
		require.False(t, logged[id], "%s is in the log after the erasure", id)
	}
	t.Logf("%d bytes of log before the end of the erasure, %d after it", len(earlier.text), len(later.text))
}

// isQueue selects the tables in which Temporal keeps ids of executions that it has deleted: a timer goes when it is due, and a
// task of a queue some time after it was done.
func isQueue(table string) bool {
	return slices.Contains([]string{"timer_tasks", "tasks", "tasks_v2"}, table)
}

func erasable(table string) bool { return !isQueue(table) }

// deliveryIDs are the ids of all deliveries of the tenant.
func deliveryIDs(t *testing.T, serverURL, tenant string) []string {
	t.Helper()
	address, err := url.Parse(serverURL)
	require.NoError(t, err)
	address.Path = "/test_1"
	db, err := sql.Open("pgx", address.String())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	return texts(t, db, fmt.Sprintf("SELECT id FROM deliveries WHERE tenant = '%s'", tenant))
}

// splitLogs tells what the processes had logged until the time from what they logged later. A line without a time belongs to
// the line before it.
func splitLogs(t *testing.T, runs []*program, at time.Time) (earlier, later haystack) {
	t.Helper()
	earlier.name, later.name = "the log before the end", "the log after the end"
	for _, p := range runs {
		into := &earlier
		for line := range strings.Lines(p.output.String()) {
			if match := loggedAt.FindStringSubmatch(line); match != nil {
				written, err := time.Parse(time.RFC3339Nano, match[1])
				require.NoError(t, err)
				if into = &earlier; written.After(at) {
					into = &later
				}
			}
			into.text = append(into.text, line...)
		}
	}
	require.NotEmpty(t, later.text)
	return earlier, later
}

// fill gives a tenant what can be erased, and returns the ids of its events, deliveries and the rest. Half of its deliveries
// are delivered, and the others wait for a retry.
func (p *program) fill(tenant string, count int, good, bad *sink) (ids []string) {
	p.t.Helper()
	for _, receiver := range []*sink{good, bad} {
		id, _ := p.subscribe(receiver.url, object{"tenant": tenant, "retry_schedule": []string{"1h"}})
		ids = append(ids, id)
	}
	var made struct{ ID string }
	p.call(http.StatusCreated, http.MethodPost, "/v1/keys", object{"name": "one", "tenant": tenant, "scopes": []string{"publish"}}, &made)
	ids = append(ids, made.ID)
	events := make([]object, 0, count)
	for i := range count {
		key := fmt.Sprintf("%s-%d", tenant, i)
		events = append(events, object{"tenant": tenant, "type": "order.paid", "data": "payload of " + tenant, "idempotency_key": key})
	}
	for some := range slices.Chunk(events, 500) {
		var answer struct{ Results []struct{ ID string } }
		p.call(http.StatusAccepted, http.MethodPost, "/v1/events/batch", object{"events": some}, &answer)
		for _, result := range answer.Results {
			ids = append(ids, result.ID)
		}
	}
	return ids
}

var (
	hexadecimal = regexp.MustCompile(`\\x[0-9a-f]+`)
	loggedAt    = regexp.MustCompile(`^time=(\S+) `)
	anyID       = regexp.MustCompile(`(?:evt|sub|dlv|key|src)_[0-9a-hjkmnp-tv-z]{26}`)
)

// decoded adds the bytes that the dump shows in hexadecimal.
func (h haystack) decoded() haystack {
	for _, found := range hexadecimal.FindAll(h.text, -1) {
		if plain, err := hex.DecodeString(string(found[2:])); err == nil {
			h.text = append(append(h.text, '\n'), plain...)
		}
	}
	return h
}

// ids are all ids of ours in the text.
func (h haystack) ids() map[string]bool {
	found := map[string]bool{}
	for _, id := range anyID.FindAll(h.text, -1) {
		found[string(id)] = true
	}
	return found
}
