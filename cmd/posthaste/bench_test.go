package main

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/terminal"
)

func TestBench(t *testing.T) {
	t.Parallel()

	folder := t.TempDir()
	p := start(t, nil, "bench", "throughput", "latency", "--events", "5", "--data", folder, "-o", "json")
	require.Zero(t, p.exitCode(), p.output)
	var r bench.Report
	require.NoError(t, json.Unmarshal([]byte(p.output.String()), &r))
	var names []string
	for _, result := range r.Results {
		names = append(names, result.Scenario)
		require.Zero(t, result.Lost+result.Duplicates)
		require.Positive(t, result.Accepted)
		require.Positive(t, result.Metrics["delivery_p50_ms"])
	}
	require.Equal(t, []string{"throughput", "latency"}, names)
	require.NotEmpty(t, r.Versions["go"])
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left, "the files of its servers are removed")
}

func TestBenchBurst(t *testing.T) {
	t.Parallel()

	p := start(t, nil, "bench", "burst", "--events", "100", "--calm", "1s", "--subscribers", "2", "--data", t.TempDir(), "-o", "json")
	require.Zero(t, p.exitCode(), p.output)
	var r bench.Report
	require.NoError(t, json.Unmarshal([]byte(p.output.String()), &r))
	variants := map[string]bench.Result{}
	for _, result := range r.Results {
		require.InDelta(t, float64(result.Accepted), result.Metrics["events_by_event"]+result.Metrics["events_by_group"], 1e-9)
		variants[result.Variant] = result
	}
	require.Equal(t, 200, variants["burst"].Deliveries)
	require.Equal(t, 5, variants["before"].Accepted)
	require.Contains(t, variants, "other tenant during")
}

func TestBenchGrowth(t *testing.T) {
	t.Parallel()

	url := pgtest.OwnURL(t)
	p := start(t, nil, "bench", "growth", "--events", "10", "--sizes", "100,300", "--store", "postgres", "--database-url", url, "-o", "json")
	require.Zero(t, p.exitCode(), p.output)
	var r bench.Report
	require.NoError(t, json.Unmarshal([]byte(p.output.String()), &r))
	var variants []string
	for _, result := range r.Results {
		variants = append(variants, result.Variant)
	}
	require.Equal(t, []string{"rate at 100", "latency at 100", "rate at 300", "latency at 300"}, variants)
	require.Contains(t, r.Results[2].Metrics, "deliveries_per_second_moved_percent")
	require.Contains(t, r.Results[3].Metrics, "delivery_p50_ms_moved_percent")

	db, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close(t.Context())) }()
	const whole = `SELECT count(*) FROM events AS e JOIN deliveries AS d ON d.event_id = e.id JOIN attempts AS a ON a.delivery_id = d.id
		WHERE e.id < 'evt_01' AND e.status = 'planned' AND d.status = 'delivered' AND length(e.data) > 1000`
	var copies int
	require.NoError(t, db.QueryRow(t.Context(), whole).Scan(&copies))
	require.InDelta(t, 300, copies, 50, "the others are real")

	again := start(t, nil, "bench", "growth", "--events", "10", "--sizes", "100", "--store", "postgres", "--database-url", url)
	require.Equal(t, terminal.CodeFailure, again.exitCode())
	require.Contains(t, again.output.String(), "events are stored already")
}

func TestBenchRetention(t *testing.T) {
	t.Parallel()
	for name, where := range map[string][]string{
		"sqlite": {"--data", t.TempDir()}, "postgres": {"--store", "postgres", "--database-url", pgtest.OwnURL(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, append([]string{"bench", "retention", "--events", "2000", "--rate", "20", "--calm", "1s", "-o", "json"}, where...)...)
			require.Zero(t, p.exitCode(), p.output)
			var r bench.Report
			require.NoError(t, json.Unmarshal([]byte(p.output.String()), &r))
			want := []string{"before rows are removed", "rows are removed"}
			if name == "postgres" {
				want = append(want, "before days are dropped", "days are dropped")
			}
			var variants []string
			for _, result := range r.Results {
				variants = append(variants, result.Variant)
				require.Positive(t, result.Accepted)
			}
			require.Equal(t, want, variants)
			last := r.Results[len(want)-1].Metrics
			require.Greater(t, last["freed_mib"], 2.0, "two thousand events had a KiB each")
			require.Contains(t, last, "delivery_p99_ms_moved_percent")
		})
	}
}

func TestBenchAgainstAServer(t *testing.T) {
	t.Parallel()

	server := startDev(t, t.TempDir())
	p := start(t, nil, "bench", "latency", "--events", "3", "--url", server.apiURL())
	require.Zero(t, p.exitCode())
	require.Regexp(t, `(?m)^latency +1 +3 +3 +0 +0 `, p.output)
}

func TestBenchLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()

	for name, end := range map[string]func(*program){
		"when it is killed":  (*program).kill,
		"when it is stopped": func(p *program) { require.Equal(t, terminal.CodeFailure, p.interrupt()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, "bench", "latency", "--events", "1000000", "--data", t.TempDir(), "--log-level", "debug")
			var addresses []string
			for _, part := range []string{"receiver", "server"} {
				u, err := url.Parse(p.find(part + `_started url=(\S+)`))
				require.NoError(t, err)
				addresses = append(addresses, u.Host)
			}
			end(p)
			for _, address := range addresses {
				require.Eventually(t, func() bool {
					connection, err := net.Dial("tcp", address)
					if err == nil {
						_ = connection.Close()
					}
					return err != nil
				}, startLimit, 20*time.Millisecond)
			}
		})
	}
}

func TestBenchRefusals(t *testing.T) {
	t.Parallel()

	for args, want := range map[string]string{
		"bench speed":                "speed",
		"bench --store postgres":     "--database-url",
		"bench --runs 2 --profile x": "--profile",
		"bench --runs 0":             "--runs",
		"bench --rate NaN":           "--rate",
		"bench --settle 0s":          "--settle",
		"bench --calm 0s":            "--calm",
		"bench --subscribers 0":      "--subscribers",
		"bench --duration=-1s":       "--duration",
		"bench --server-pid 1":       "--server-pid",
		"bench --url http://127.0.0.1:1 --engine external": "--url",
		"bench --fanout 0":         "--fanout 0",
		"bench growth":             "--store postgres",
		"bench retention --runs 2": "--runs",
		"bench growth --sizes 1,0": "--sizes 0",
		"bench growth --store postgres --database-url x --runs 2":    "--runs",
		"bench growth --store postgres --url http://127.0.0.1:1":     "--url",
		"bench growth --store postgres --database-url x --sizes 2,1": "--sizes",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			output, code := runHere(t, strings.Fields(args)...)
			require.Equal(t, terminal.CodeUsage, code)
			require.Len(t, lines(output), 1, output)
			require.Contains(t, output, want)
		})
	}

	t.Run("a server that does not start is told with its reason", func(t *testing.T) {
		t.Parallel()
		p := start(t, []string{"POSTHASTE_HISTORY_RETENTION=1s"}, "bench", "latency", "--data", t.TempDir())
		require.Equal(t, terminal.CodeFailure, p.exitCode())
		require.Contains(t, p.output.String(), "posthaste: bench-server: --history-retention 1s is below 1h\n")
	})
}

func TestBenchKnowsItsScenarios(t *testing.T) {
	t.Parallel()

	field, found := reflect.TypeFor[benchCmd]().FieldByName("Scenarios")
	require.True(t, found)
	require.Equal(t, bench.Scenarios(), strings.Split(field.Tag.Get("enum"), ","))
	require.NotContains(t, completed(t, "bench"), "bench-server")
}
