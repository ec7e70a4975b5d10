package store_test

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/internal/store/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, sqliteOptions(t)) })
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, postgresOptions(t)) })
}

func sqliteOptions(t *testing.T) store.Options {
	t.Helper()
	return store.Options{Path: filepath.Join(t.TempDir(), "posthaste.db"), Keys: newKeys(t)}
}

func postgresOptions(t *testing.T) store.Options {
	t.Helper()
	return store.Options{DatabaseURL: pgtest.URL(t), Keys: newKeys(t)}
}

// onBoth runs a test that looks behind the store, on a new database of either kind.
func onBoth(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Helper()
	for name, options := range map[string]func(*testing.T) store.Options{
		"SQLite": sqliteOptions, "Postgres": postgresOptions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, options(t))
		})
	}
}

func newKeys(t *testing.T) *keyring.Ring {
	t.Helper()
	keys, err := keyring.Parse(keyring.New())
	require.NoError(t, err)
	return keys
}

func open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func migrated(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s := open(t, o)
	_, err := s.Migrate(t.Context())
	require.NoError(t, err)
	return s
}

// rawDB opens the same database without the store.
func rawDB(t *testing.T, o store.Options) *sql.DB {
	t.Helper()
	file := url.URL{Scheme: "file", Path: o.Path, RawQuery: "_pragma=busy_timeout(10000)"}
	driver, dsn := "sqlite", file.String()
	if o.DatabaseURL != "" {
		driver, dsn = "pgx", o.DatabaseURL
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
