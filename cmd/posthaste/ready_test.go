package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/terminal"
)

var devArgs = []string{"dev", "--listen", "127.0.0.1:0", "--ui-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0"}

func devWith(args ...string) []string { return append(slices.Clip(devArgs), args...) }

func tables(t *testing.T, databaseURL string) (count int) {
	t.Helper()
	db, err := sql.Open("pgx", databaseURL)
	require.NoError(t, err)
	defer db.Close()
	const query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&count))
	return count
}

// TestDevKeepsToItself runs dev in the shell of somebody who has set it up for a server.
func TestDevKeepsToItself(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	settings := writeFile(t, "database-url: "+database+"\n")
	p := start(t, append(serverEnv(database), "TEMPORAL_ADDRESS=127.0.0.1:1"),
		devWith("--data", filepath.Join(t.TempDir(), "data"), "--config", settings)...)
	p.key = testKey
	receiver := newSink(t, 204)
	p.subscribe(receiver.url, nil)
	id := p.publish("x")
	require.Eventually(t, func() bool { return receiver.times(id) == 1 }, deliveryLimit, deliveryLimit/1000)
	require.Zero(t, p.interrupt())
	require.Zero(t, tables(t, database))
	output := p.output.String()
	require.NotContains(t, output, "Database ")
	require.Equal(t, 1, strings.Count(output, "POSTHASTE_DATABASE_URL, TEMPORAL_ADDRESS, database-url in the settings file"), output)
	require.Contains(t, output, "Bearer $POSTHASTE_API_KEY")
	require.NotContains(t, output, testKey)
	require.NotContains(t, output, "migrat", "nothing is said of the tables of a new database")
}

// TestAStoreBelongsToOneTemporal starts two dev on one database, each with a Temporal of its own.
func TestAStoreBelongsToOneTemporal(t *testing.T) {
	t.Parallel()
	database, folder := pgtest.URL(t), t.TempDir()
	first := devWith("--database-url", database, "--data", filepath.Join(folder, "first"))
	second := devWith("--database-url", database, "--data", filepath.Join(folder, "second"))
	key := []string{"POSTHASTE_MASTER_KEY=" + keyring.New()}

	p := start(t, key, first...)
	require.Contains(t, p.find(`(Database  \S+)`), "postgres://postgres@127.0.0.1:")
	p.apiURL()
	other := start(t, key, second...)
	require.Equal(t, terminal.CodeFailure, other.exitCode())
	require.Contains(t, other.output.String(), "this database belongs to Temporal's namespace posthaste")
	require.Contains(t, other.output.String(), "posthaste migrate release-temporal")
	require.NotContains(t, other.output.String(), startedMessage)
	require.NotContains(t, other.output.String(), "is up", "of the banner")
	require.Zero(t, p.interrupt())

	require.Zero(t, start(t, key, first...).stopOnceUp(), "its own goes on")
	release := start(t, nil, "migrate", "release-temporal", "--database-url", database, "--actor", "Kim", "--reason", "moved")
	require.Zero(t, release.exitCode())
	require.Contains(t, release.output.String(), "released from namespace posthaste")
	require.Zero(t, start(t, key, second...).stopOnceUp(), "now it is the other one's")
	require.Equal(t, terminal.CodeFailure, start(t, key, first...).exitCode())
}

// stopOnceUp waits until the API is up and stops the program. It returns the exit code.
func (p *program) stopOnceUp() int {
	p.t.Helper()
	p.apiURL()
	return p.interrupt()
}

// TestHalvesRefuseAnotherTemporal has API and worker as processes of their own, and two clusters.
func TestHalvesRefuseAnotherTemporal(t *testing.T) {
	t.Parallel()
	env := serverEnv(pgtest.URL(t))
	require.Zero(t, start(t, env, "migrate", "up").exitCode())
	cluster := func() string {
		e, err := engine.Start(t.Context(), engine.Options{
			Listen: "127.0.0.1:0", Store: engine.SQLite(t.TempDir()), Namespace: "posthaste",
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Stop(context.Background())) })
		return e.Address()
	}
	mine, other := "TEMPORAL_ADDRESS="+cluster(), "TEMPORAL_ADDRESS="+cluster()

	api := start(t, append(env, mine, "POSTHASTE_ALLOW_NETWORKS=127.0.0.0/8"), "api", "--listen", "127.0.0.1:0")
	api.key = testKey
	receiver := newSink(t, 204)
	api.subscribe(receiver.url, nil)
	id := api.publish("x") // which is started, and so the store is claimed
	require.Eventually(t, func() bool {
		release, code := runHere(t, "migrate", "status", "--database-url", strings.TrimPrefix(env[0], "POSTHASTE_DATABASE_URL="))
		require.Zero(t, code, release)
		return claimed(t, strings.TrimPrefix(env[0], "POSTHASTE_DATABASE_URL="))
	}, deliveryLimit, deliveryLimit/300)
	for _, half := range []string{"api", "worker"} {
		args := []string{half}
		if half == "api" {
			args = append(args, "--listen", "127.0.0.1:0")
		}
		refused := start(t, append(env, other), args...)
		require.Equal(t, terminal.CodeFailure, refused.exitCode(), half)
		require.Contains(t, refused.output.String(), "this database belongs to Temporal's namespace posthaste")
	}
	require.Zero(t, receiver.events(), "no worker of the other one made the delivery")
	work := start(t, append(env, mine, "POSTHASTE_ALLOW_NETWORKS=127.0.0.0/8"), "worker")
	require.Eventually(t, func() bool { return receiver.times(id) == 1 }, deliveryLimit, deliveryLimit/300)
	require.Zero(t, work.interrupt())
	require.Zero(t, api.interrupt())
}

func claimed(t *testing.T, databaseURL string) bool {
	t.Helper()
	db, err := sql.Open("pgx", databaseURL)
	require.NoError(t, err)
	defer db.Close()
	var count int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM engine_binding").Scan(&count))
	return count == 1
}

// TestHalvesSayWhichTemporal starts them as somebody does who has not set TEMPORAL_ADDRESS.
func TestHalvesSayWhichTemporal(t *testing.T) {
	t.Parallel()
	env := serverEnv(pgtest.URL(t))
	require.Zero(t, start(t, env, "migrate", "up").exitCode())
	for _, args := range [][]string{{"api", "--listen", "127.0.0.1:0"}, {"worker"}} {
		p := start(t, append(env, "TEMPORAL_CONFIG_FILE="+filepath.Join(t.TempDir(), "none.toml")), args...)
		p.find(`(process.started)`)
		require.Equal(t, "localhost:7233", p.find(`level=WARN msg=temporal.address_assumed temporal=(\S+) hint="TEMPORAL_ADDRESS `))
		require.Equal(t, "localhost:7233", p.find(`process.started.* temporal=(\S+)`))
		require.Zero(t, p.interrupt())
	}
}

func TestDevKeepsOutOfAServersFolder(t *testing.T) {
	folder := t.TempDir()
	_, code := runHere(t, "migrate", "up", "--data", folder)
	require.Zero(t, code)
	output, code := runHere(t, devWith("--data", folder)...)
	require.Equal(t, terminal.CodeFailure, code)
	require.Contains(t, output, "belongs to a posthaste server")
	require.Contains(t, output, "--data")
	require.NoFileExists(t, filepath.Join(folder, "master.key"))
}

func TestAllThatAServerLacksIsNamedAtOnce(t *testing.T) {
	output, code := runHere(t, "server", "--engine", "embedded", "--database-url", "mysql://x", "--max-body", "1",
		"--history-retention", "1s", "--dead-letter-hold=-1s", "--temporal-listen", "0.0.0.0:0")
	require.Equal(t, terminal.CodeFailure, code)
	for _, name := range []string{
		"POSTHASTE_API_KEY", "POSTHASTE_MASTER_KEY", "POSTHASTE_DATABASE_URL", "--max-body", "--history-retention", "--dead-letter-hold", "--temporal-listen",
	} {
		require.Contains(t, output, name)
	}
}

func TestNoSecretInAMessage(t *testing.T) {
	const canary = "canary7f3a"
	for _, name := range []string{"POSTHASTE_DATABASE_URL", "POSTHASTE_MASTER_KEY", "POSTHASTE_API_KEY", "POSTHASTE_PROXY", "POSTHASTE_URL"} {
		for _, value := range []string{
			canary, "http://user:" + canary + "@host:port", "postgres://user:" + canary + "@127.0.0.1:1/x", "postgres://user:" + canary + "/@h", "k1:" + canary,
		} {
			t.Setenv(name, value)
			for _, args := range [][]string{
				{"server", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, {"events", "list", "--url", value}, {"server", value},
			} {
				if args[0] == "events" && name != "POSTHASTE_URL" {
					continue
				}
				output, code := runHere(t, args...)
				require.NotZero(t, code)
				if args[0] == "server" && len(args) == 2 && !strings.Contains(value, "@") {
					continue // an argument that is no setting, and no address either
				}
				require.NotContains(t, output, canary, "%s=%s posthaste %v", name, value, args)
			}
		}
		require.NoError(t, os.Unsetenv(name))
	}
}

// TestFilesAreTheOwnersAlone has a data folder that others may enter, with files from before that were readable.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	require.Zero(t, startDev(t, folder).interrupt())
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, file := range files {
		require.NoError(t, os.Chmod(filepath.Join(folder, file.Name()), 0o644))
	}
	p := startDev(t, folder)
	p.publish("x")
	files, err = os.ReadDir(folder)
	require.NoError(t, err)
	require.Greater(t, len(files), 5)
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s is %s", file.Name(), info.Mode())
	}
	require.Equal(t, 1, strings.Count(p.output.String(), "data.folder_open_to_others"))
	require.Zero(t, p.interrupt())
}

// TestAJSONLogIsJSON reads all that a server writes from its start over some load to its stop.
func TestAJSONLogIsJSON(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	_, code := runHere(t, "migrate", "up", "--data", folder)
	require.Zero(t, code)
	env := []string{"POSTHASTE_API_KEY=" + testKey, "POSTHASTE_MASTER_KEY=" + keyring.New()}
	args := append([]string{"server", "--data", folder, "--engine", "embedded", "--allow-networks", "127.0.0.0/8", "--log-format", "json"}, devArgs[1:]...)
	p := start(t, env, args...)
	p.key = testKey
	receiver := newSink(t, 204)
	p.subscribe(receiver.url, nil)
	var publishers sync.WaitGroup
	for range 8 {
		publishers.Go(func() {
			for i := range 25 {
				p.publish(i)
			}
		})
	}
	require.Eventually(t, func() bool { return receiver.events() >= 50 }, deliveryLimit, deliveryLimit/1000)
	publishers.Wait()
	require.NoError(t, p.command.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.exitCode())
	said := map[string]bool{}
	for _, line := range lines(p.output.String()) {
		said[fmt.Sprint(requireTidy(t, line)["msg"])] = true
	}
	require.True(t, said[startedMessage])
	require.True(t, said[stoppingMessage])

	refused := start(t, env, append(args, "--listen", strings.TrimPrefix(newSink(t, 204).url, "http://"))...)
	require.NotZero(t, refused.exitCode())
	for _, line := range lines(refused.output.String()) {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

// requireTidy makes sure that a line is a JSON object without an error and with each key once.
func requireTidy(t *testing.T, line string) object {
	t.Helper()
	var fields object
	require.NoError(t, json.Unmarshal([]byte(line), &fields), line)
	require.NotEqual(t, "ERROR", fields["level"], line)
	decoder, seen := json.NewDecoder(strings.NewReader(line)), object{}
	_, err := decoder.Token() // {
	require.NoError(t, err)
	for decoder.More() {
		key, err := decoder.Token()
		require.NoError(t, err)
		name := fmt.Sprint(key)
		require.NotContains(t, seen, name, line)
		require.Equal(t, strings.ToLower(name), name, line)
		seen[name] = true
		var value any
		require.NoError(t, decoder.Decode(&value))
	}
	return fields
}

func TestDevLogsJSONAlone(t *testing.T) {
	p := start(t, nil, devWith("--data", filepath.Join(t.TempDir(), "data"), "--log-format", "json")...)
	p.call(http.StatusOK, http.MethodGet, "/readyz", nil, nil)
	require.Zero(t, p.interrupt())
	for _, line := range lines(p.output.String()) {
		requireTidy(t, line)
	}
}
