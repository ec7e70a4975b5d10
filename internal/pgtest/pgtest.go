package pgtest

import (
	"os"
	"sync"
	"testing"
)

var (
	// mu guards shared. It is held while the cluster starts, so that parallel
	// first callers wait for one cluster and do not make two.
	mu     sync.Mutex
	shared *cluster
)

// URL creates an empty database on the process's shared server and returns its
// URL, such as postgres://postgres:secret@127.0.0.1:41234/test_1?sslmode=disable.
// The role in the URL is the superuser, so a test may create further databases
// with it. The database is dropped when t ends, open connections or not.
//
// The first call starts the server, which takes one to two seconds. URL fails t
// when that goes wrong; it skips t when PostgreSQL is not installed, unless
// CI=true is set. It may be called from parallel tests.
func URL(t testing.TB) string {
	t.Helper()
	c := running(t)
	name, err := c.createDatabase()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := c.dropDatabase(name); err != nil {
			t.Logf("pgtest: %v", err)
		}
	})
	return c.url(name)
}

// OwnURL is [URL] on a server that only t uses, and that ends with t. It is for a
// program under test that uses databases with fixed names: on the shared server,
// two tests would meet in them.
func OwnURL(t testing.TB) string {
	t.Helper()
	c := started(t)
	t.Cleanup(c.stop)
	name, err := c.createDatabase()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return c.url(name)
}

// Main runs a package's tests and then stops the shared server, if one was
// started, and removes its folder. It is meant to be all there is in TestMain:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// Stop ends the shared server and removes its folder; without a running server
// it does nothing. [Main] calls it. Call it yourself only from a TestMain that
// has more to do than Main.
func Stop() {
	mu.Lock()
	defer mu.Unlock()
	if shared != nil {
		shared.stop()
		shared = nil
	}
}

// running returns the shared server, starting it if this is the first call.
func running(t testing.TB) *cluster {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if shared == nil {
		shared = started(t)
	}
	return shared
}

// started returns a new server.
func started(t testing.TB) *cluster {
	t.Helper()
	bin, err := findPrograms()
	if err != nil {
		missing(t, err)
	}
	c, err := startCluster(bin)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return c
}

// missing ends t because PostgreSQL is not installed.
func missing(t testing.TB, err error) {
	t.Helper()
	end, hint := t.Skipf, "install the package postgresql to run this test"
	if os.Getenv("CI") == "true" {
		end, hint = t.Fatalf, "with CI=true that is a failure"
	}
	end("pgtest: %v; %s", err, hint)
}
