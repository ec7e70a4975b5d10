package bench

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/pgtest"
)

func TestUsage(t *testing.T) {
	t.Parallel()

	t.Run("of this process", func(t *testing.T) {
		t.Parallel()
		m := meter{{name: "me", pid: os.Getpid()}, {name: "nobody", pid: 1 << 30}}
		before := m.read()
		require.Len(t, before, 1, "what cannot be read is left out")
		require.Eventually(t, func() bool {
			for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
				runtime.Gosched() // use up some time
			}
			return m.since(before)["me"].cpu > 0
		}, 10*time.Second, time.Nanosecond)
		require.Greater(t, before["me"].resident, int64(1<<20))
	})

	t.Run("of a family", func(t *testing.T) {
		t.Parallel()
		child := exec.Command("cat")
		input, err := child.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		t.Cleanup(func() { _ = input.Close(); _ = child.Wait() })
		require.Contains(t, childrenOf(os.Getpid()), child.Process.Pid)
		alone, err := process{pid: os.Getpid()}.usage()
		require.NoError(t, err)
		family, err := process{pid: os.Getpid(), work: func() (Work, error) { return Work{Written: 7}, nil }}.usage()
		require.NoError(t, err)
		require.GreaterOrEqual(t, family.cpu, alone.cpu)
		require.EqualValues(t, 7, family.written)
	})
}

func TestFindPostgres(t *testing.T) {
	t.Parallel()

	found, err := FindPostgres(t.Context(), pgtest.URL(t))
	require.NoError(t, err)
	require.NotEmpty(t, found.Version)
	name, err := readProc(found.PID, "comm")
	require.NoError(t, err)
	require.Equal(t, "postgres\n", name)
	used, err := process{pid: found.PID, work: found.Work}.usage()
	require.NoError(t, err)
	require.Zero(t, used.resident, "its processes share most of it")
	require.Positive(t, used.cpu)
	require.Positive(t, used.written)
	require.NotZero(t, used.counts["posthaste_commits"])

	_, err = FindPostgres(t.Context(), "postgres://somebody:hidden@127.0.0.1:1/nowhere")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hidden")
}

func TestStatements(t *testing.T) {
	t.Parallel()

	database := pgtest.URL(t)
	connection, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	_, err = connection.Exec(t.Context(), "CREATE VIEW pg_stat_statements AS SELECT oid AS dbid, 21::bigint AS calls FROM pg_database, generate_series(1, 2)")
	require.NoError(t, err)
	work, err := Postgres{url: database}.Work()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"posthaste_statements": 42}, work.Counts, "there is no Temporal")

	earlier := usage{counts: map[string]int64{"posthaste_statements": 40, "posthaste_commits": 1}}
	used := usage{counts: work.Counts}.minus(earlier)
	r := Result{Metrics: Metrics{}}
	r.addCosts(map[string]usage{"server": {cpu: 3 * time.Second}, "postgres": used}, 10)
	require.InDelta(t, 0.2, r.Metrics["posthaste_statements_per_delivery"], 1e-9)
	require.InDelta(t, 300, r.Metrics["cpu_ms_per_delivery"], 1e-9, "of both together")
	require.NotContains(t, r.Metrics, "posthaste_commits_per_delivery")
}

func TestThisMachine(t *testing.T) {
	t.Parallel()

	m := ThisMachine()
	require.Positive(t, m.Cores)
	require.Positive(t, m.MemoryMiB)
	require.NotEmpty(t, m.Kernel)
	require.Equal(t, runtime.Version(), Versions()["go"])
}
