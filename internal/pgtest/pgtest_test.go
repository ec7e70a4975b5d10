package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childVariable makes the test binary a program that starts a cluster, prints
// its folder and process id, and waits to be killed.
const childVariable = "PGTEST_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
		return
	}
	Main(m)
}

func child() {
	bin, err := findPrograms()
	if err == nil {
		shared, err = startCluster(bin)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(shared.dir, shared.server.cmd.Process.Pid)
	_, _ = io.Copy(io.Discard, os.Stdin) // until killed
}

func TestURL(t *testing.T) {
	t.Parallel()

	t.Run("gives every call an empty database of its own", func(t *testing.T) {
		t.Parallel()
		first, second := URL(t), URL(t)
		require.NotEqual(t, first, second)

		psql(t, first, "CREATE TABLE note (text text)")
		psql(t, first, "INSERT INTO note VALUES ('here')")
		require.Equal(t, "1", psql(t, first, "SELECT count(*) FROM note"))
		require.Equal(t, "0", psql(t, second, "SELECT count(*) FROM pg_tables WHERE tablename = 'note'"))
	})

	t.Run("asks for the password in the URL", func(t *testing.T) {
		t.Parallel()
		u, err := url.Parse(URL(t))
		require.NoError(t, err)
		u.User = url.UserPassword(superuser, "wrong")
		_, err = tryPsql(u.String(), "SELECT 1")
		require.ErrorContains(t, err, "password authentication failed")
	})

	t.Run("drops the database when the test ends, with a client still connected", func(t *testing.T) {
		t.Parallel()
		var gone string
		t.Run("inner", func(t *testing.T) {
			gone = URL(t)
			hold := exec.Command(filepath.Join(shared.bin, "psql"), gone)
			stdin, err := hold.StdinPipe() // an open pipe keeps psql connected
			require.NoError(t, err)
			require.NoError(t, hold.Start())
			t.Cleanup(func() { _ = stdin.Close(); _ = hold.Wait() })
		})
		_, err := tryPsql(gone, "SELECT 1")
		require.ErrorContains(t, err, "does not exist")
	})
}

func TestOwnURL(t *testing.T) {
	var own string
	t.Run("inner", func(t *testing.T) {
		own = OwnURL(t)
		psql(t, URL(t), "CREATE DATABASE fixed_name")
		t.Cleanup(func() { psql(t, URL(t), "DROP DATABASE fixed_name") })
		psql(t, own, "CREATE DATABASE fixed_name")
	})
	_, err := tryPsql(own, "SELECT 1")
	require.ErrorContains(t, err, "refused", "the server ends with its test")
}

func TestClusterDoesNotOutliveAKilledTest(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux binds a child's life to its parent's")
	}
	URL(t) // skips where PostgreSQL is missing
	dir, pid, kill := startChild(t)
	require.True(t, alive(pid))
	kill()
	require.Eventually(t, func() bool { return !isRunning(pid) }, 10*time.Second, 20*time.Millisecond,
		"postgres must end with the process that started it")

	require.DirExists(t, dir, "a killed process cannot clean up")
	removeOrphans(filepath.Dir(dir))
	require.NoDirExists(t, dir)
	require.DirExists(t, shared.dir, "a living process keeps its folder")
}

func TestMissingPrograms(t *testing.T) {
	for _, c := range []struct{ name, ci, want string }{
		{"skip a test", "", "skip"},
		{"fail a test under CI", "true", "fatal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			fake := &fakeT{TB: t}
			missing(fake, errors.New("no initdb"))
			require.Equal(t, c.want, fake.ended)
			require.Contains(t, fake.message, "no initdb")
		})
	}
}

// fakeT notes how a test was ended instead of ending it.
type fakeT struct {
	testing.TB
	ended, message string
}

func (f *fakeT) Helper() {}

func (f *fakeT) Skipf(format string, args ...any) {
	f.ended, f.message = "skip", fmt.Sprintf(format, args...)
}

func (f *fakeT) Fatalf(format string, args ...any) {
	f.ended, f.message = "fatal", fmt.Sprintf(format, args...)
}

// startChild runs the test binary as a program of its own that owns a cluster.
func startChild(t *testing.T) (dir string, pid int, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill = func() { _ = cmd.Process.Signal(syscall.SIGKILL); _ = cmd.Wait() }
	t.Cleanup(kill)

	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	dir, number, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err = strconv.Atoi(number)
	require.NoError(t, err, "the child said: %s", line)
	return dir, pid, kill
}

// isRunning says whether the process does something still: an orphan that nobody
// has waited for yet (a zombie) does not.
func isRunning(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func psql(t *testing.T, url, query string) string {
	t.Helper()
	out, err := tryPsql(url, query)
	require.NoError(t, err)
	return out
}

func tryPsql(url, query string) (string, error) {
	out, err := exec.Command(filepath.Join(shared.bin, "psql"), url, "--no-align", "--tuples-only", "--command", query).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
