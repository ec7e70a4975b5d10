package engine

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSQLite(t *testing.T) {
	t.Parallel()

	t.Run("runs a workflow, and knows it after a restart in the same process", func(t *testing.T) {
		t.Parallel()
		log := &logBook{}
		o := options(SQLite(filepath.Join(t.TempDir(), "made", "by start")), log)

		first := start(t, o)
		c := dial(t, first)
		w := newWorker(c)
		require.NoError(t, w.Start())
		runGreet(t, c, "before")
		w.Stop()
		stop(t, first)

		c = dial(t, start(t, o))
		work(t, c)
		var greeting string
		require.NoError(t, c.GetWorkflow(t.Context(), "before", "").Get(t.Context(), &greeting))
		require.Equal(t, "hello, you", greeting)
		runGreet(t, c, "after")
		require.Empty(t, log.String(), "a healthy engine is quiet")
	})

	t.Run("accepts any folder name", func(t *testing.T) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), `a b%20c?mode=memory#d&e`)
		start(t, options(SQLite(folder), &logBook{}))
		require.FileExists(t, filepath.Join(folder, sqliteFile))
	})

	t.Run("refuses a second engine on the folder, until the first has stopped", func(t *testing.T) {
		t.Parallel()
		o := options(SQLite(t.TempDir()), &logBook{})
		first := start(t, o)
		_, err := Start(t.Context(), o)
		require.ErrorIs(t, err, ErrInUse)
		stop(t, first)
		start(t, o)
	})

	t.Run("refuses a file with another schema", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		path := filepath.Join(folder, sqliteFile)
		require.NoError(t, ensureSQLiteSchema(t.Context(), path))
		db := openForTest(t, path)
		_, err := db.Exec(`UPDATE posthaste_schema SET version = '0.0/0.0'`)
		require.NoError(t, err)

		_, err = Start(t.Context(), options(SQLite(folder), &logBook{}))
		require.ErrorContains(t, err, "made with schema 0.0/0.0, this build needs "+sqliteSchema)
	})

	t.Run("refuses a file that is no database", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, sqliteFile), bytes.Repeat([]byte("text "), 1000), 0o600))
		_, err := Start(t.Context(), options(SQLite(folder), &logBook{}))
		require.ErrorContains(t, err, "not a database")
	})
}

func TestSQLiteSchemaIsAllOrNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqliteFile)
	db, err := openSQLite(path)
	require.NoError(t, err)
	tx, err := db.Begin()
	require.NoError(t, err)
	require.NoError(t, createSQLiteSchema(t.Context(), tx))
	require.NoError(t, tx.Rollback(), "as when the process is killed before the commit")
	require.NoError(t, db.Close())

	require.NoError(t, ensureSQLiteSchema(t.Context(), path), "the next start begins again")
	require.NoError(t, ensureSQLiteSchema(t.Context(), path), "and the one after finds it done")
	require.Equal(t, sqliteSchema, single(t, openForTest(t, path), `SELECT version FROM posthaste_schema`))
}

func TestSQLiteHasOnlyUsedIndexes(t *testing.T) {
	t.Parallel()
	const indexes = `SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'executions_visibility' AND name LIKE 'by_%'`
	path := filepath.Join(t.TempDir(), sqliteFile)
	db := openForTest(t, path)
	tx, err := db.Begin()
	require.NoError(t, err)
	require.NoError(t, createSQLiteSchema(t.Context(), tx), "as an earlier version made it")
	require.NoError(t, tx.Commit())
	require.Equal(t, "57", single(t, db, indexes))

	require.NoError(t, ensureSQLiteSchema(t.Context(), path))
	require.Equal(t, strconv.Itoa(len(usedIndexes)), single(t, db, indexes), "Temporal has indexes of all these names")
}

func TestSQLitePragmas(t *testing.T) {
	t.Parallel()
	db := openForTest(t, filepath.Join(t.TempDir(), sqliteFile))
	// SQLite ignores a misspelt pragma without a word.
	require.Equal(t, "wal", single(t, db, `PRAGMA journal_mode`))
	require.Equal(t, "2", single(t, db, `PRAGMA synchronous`), "2 is FULL")
	require.Equal(t, "10000", single(t, db, `PRAGMA busy_timeout`))
}

func openForTest(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := openSQLite(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func single(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var v string
	require.NoError(t, db.QueryRow(query).Scan(&v))
	return v
}
