package store_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

func TestOpenSQLite(t *testing.T) {
	t.Parallel()

	t.Run("makes the file with its folder, for the owner only, whatever its name", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "new", "a b?c=d#e%20.db")
		migrated(t, store.Options{Path: path})
		for file, mode := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, filepath.Dir(path): 0o700} {
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, mode, info.Mode().Perm(), file)
		}
	})

	t.Run("says in one line where it cannot write", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		file := filepath.Join(folder, "file")
		require.NoError(t, os.WriteFile(file, []byte("not a database, and long enough for its header"), 0o600))
		for path, want := range map[string]string{
			folder:                      "is a directory",
			filepath.Join(file, "x.db"): "not a directory",
			file:                        "not a database",
		} {
			_, err := store.Open(t.Context(), store.Options{Path: path})
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "store: open: ")
			require.ErrorContains(t, err, folder)
			require.NotContains(t, err.Error(), "\n")
		}
	})

	t.Run("needs to know which database", func(t *testing.T) {
		t.Parallel()
		_, err := store.Open(t.Context(), store.Options{})
		require.ErrorContains(t, err, "neither a database URL nor a file")
	})

	t.Run("two processes that write to one file wait for one another", func(t *testing.T) {
		t.Parallel()
		o := sqliteOptions(t)
		stores := []*store.Store{migrated(t, o), open(t, o)}
		errs := make([]error, 32)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				e := models.NewEvent(models.Event{Type: "a", Data: []byte("1")}, time.Now())
				_, errs[i] = stores[i%2].CreateEvents(t.Context(), []*models.Event{e})
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		found, err := stores[0].Events(t.Context(), models.EventFilter{})
		require.NoError(t, err)
		require.Len(t, found, len(errs))
	})
}

func TestTimesInSQLiteAreMicroseconds(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	s := migrated(t, o)
	e := models.NewEvent(models.Event{Type: "a", Data: []byte("1")}, time.Now())
	e.CreatedAt = time.UnixMicro(1_700_000_000_123_456)
	_, err := s.CreateEvents(t.Context(), []*models.Event{e})
	require.NoError(t, err)
	var form string
	var stored int64
	row := rawDB(t, o).QueryRowContext(t.Context(), "SELECT typeof(created_at), created_at + 0 FROM events")
	require.NoError(t, row.Scan(&form, &stored))
	require.Equal(t, "integer", form)
	require.Equal(t, int64(1_700_000_000_123_456), stored)
}

func TestOpenPostgresNeverShowsThePassword(t *testing.T) {
	t.Parallel()
	const password = "hush:h@sh/1"
	u, err := url.Parse(pgtest.URL(t))
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), password)
	good := u.String()
	nobody := *u
	nobody.Host = "127.0.0.1:1"

	for name, dsn := range map[string]string{
		"wrong password":      good,
		"nobody there":        nobody.String(),
		"password as a query": nobody.String() + "&password=" + url.QueryEscape(password),
		"unknown database":    strings.Replace(good, u.Path, "/nothing", 1),
		"not escaped":         "postgres://user:" + password + "@localhost/x",
		"broken port":         "postgresql://user:" + url.QueryEscape(password) + "@localhost:port/x",
		"unknown ssl mode":    strings.Replace(good, "disable", "sometimes", 1),
		"another kind":        "mysql://user:" + url.QueryEscape(password) + "@localhost/x",
		"key and value":       "host=localhost password=" + password,
		"not escaped, digits": "postgres://user:54?hush@localhost/x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := store.Open(t.Context(), store.Options{DatabaseURL: dsn})
			require.ErrorContains(t, err, "store: open: ")
			parts := []string{password, url.QueryEscape(password), url.PathEscape(password), "hush", "h@sh", "sh/1", "54?"}
			for _, part := range parts {
				require.NotContains(t, err.Error(), part)
			}
		})
	}
}

func TestPostgresURLWithEitherScheme(t *testing.T) {
	t.Parallel()
	o := store.Options{DatabaseURL: strings.Replace(pgtest.URL(t), "postgres://", "postgresql://", 1)}
	require.NoError(t, open(t, o).Ping(t.Context()))
}
