package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	sqliteschema "go.temporal.io/server/schema/sqlite"
)

const (
	sqliteFile = "temporal.db"
	lockFile   = "temporal.lock"

	// sqliteDriver is the database/sql name of the driver in Temporal's plugin.
	sqliteDriver = "sqlite"

	// sqliteSchema names the version of the schema in this build of the server.
	sqliteSchema = sqliteschema.Version + "/" + sqliteschema.VisibilityVersion
)

// sqlitePragmas are set on every connection.
var sqlitePragmas = map[string]string{
	// A write appends to a log instead of changing the file in place twice over.
	"journal_mode": "WAL",
	// Every commit is on the disk before it is acknowledged. NORMAL survives kill -9
	// as well, but may forget the last commits when the power fails: then our own
	// store knows of an event as handed over, and Temporal does not. The price is a
	// flush per commit, half a millisecond on an SSD.
	"synchronous": "FULL",
	// The server has a single connection and so never waits for itself; this is
	// for other programs that read the file or back it up, in milliseconds.
	"busy_timeout": "10000",
}

// SQLite keeps the state in the file temporal.db in a folder, which is created if
// missing. It needs nothing to be installed, and suits one machine: development,
// and modest production loads.
//
// Opening fails when another process has the folder open, and when the file was
// made by a build with another schema: Temporal has no migrations for SQLite.
func SQLite(folder string) Store { return sqliteStore{folder: folder} }

type sqliteStore struct{ folder string }

func (s sqliteStore) open(ctx context.Context, _ *slog.Logger) (*database, error) {
	folder, err := filepath.Abs(s.folder)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	unlock, err := lockFolder(filepath.Join(folder, lockFile))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, sqliteFile)
	if err := ownerOnly(path); err != nil {
		return nil, errors.Join(err, unlock())
	}
	if err := ensureSQLiteSchema(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), unlock())
	}
	cfg := sqliteConfig(path)
	// One shard: SQLite has one writer, more shards would only queue for it.
	return &database{main: cfg, visibility: cfg, shards: 1, close: unlock}, nil
}

// ownerOnly creates the database's file so that only its owner can read it, because SQLite would let everybody, and
// restricts an existing file. SQLite gives the files beside it the same mode.
func ownerOnly(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: the operator's own data folder
	if err != nil {
		return err
	}
	errs := []error{file.Close()}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+suffix, 0o600); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sqliteConfig describes the file to the server. Both its stores are in it, and
// they share one connection. The server never closes it, and finds it again by its
// name when an engine is started a second time in the process.
func sqliteConfig(path string) *config.SQL {
	return &config.SQL{
		PluginName:        sqliteplugin.PluginName,
		DatabaseName:      escapePath(path),
		ConnectAttributes: sqlitePragmas,
	}
}

// escapePath escapes the characters that would end the path in a file: URL.
func escapePath(path string) string {
	return (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// ensureSQLiteSchema gives a new file its tables, all in one transaction: a
// process killed in the middle leaves a file without any, and the next start
// begins again. A file that has them must have this build's. It drops the indexes
// that no query of ours uses, also those of a file that an earlier version made.
func ensureSQLiteSchema(ctx context.Context, path string) (err error) {
	db, err := openSQLite(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit

	version, err := sqliteSchemaVersion(ctx, tx)
	switch {
	case err != nil:
		return fmt.Errorf("read the schema's version: %w", err)
	case version == "":
		if err := createSQLiteSchema(ctx, tx); err != nil {
			return fmt.Errorf("create the schema: %w", err)
		}
	case version != sqliteSchema:
		return fmt.Errorf("made with schema %s, this build needs %s, and SQLite files cannot be upgraded: "+
			"let the older build finish its work, then move the file away", version, sqliteSchema)
	}
	if err := dropSQLiteIndexes(ctx, tx); err != nil {
		return fmt.Errorf("drop unused indexes: %w", err)
	}
	return tx.Commit()
}

func openSQLite(path string) (*sql.DB, error) {
	query := url.Values{"_txlock": {"immediate"}}
	for name, value := range sqlitePragmas {
		query.Add("_pragma", name+"="+value)
	}
	return sql.Open(sqliteDriver, "file:"+escapePath(path)+"?"+query.Encode())
}

// sqliteSchemaVersion returns the version of the file's schema, empty if it has none.
func sqliteSchemaVersion(ctx context.Context, tx *sql.Tx) (string, error) {
	var tables int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'posthaste_schema'`).Scan(&tables)
	if err != nil || tables == 0 {
		return "", err
	}
	var version string
	err = tx.QueryRowContext(ctx, `SELECT version FROM posthaste_schema`).Scan(&version)
	return version, err
}

func createSQLiteSchema(ctx context.Context, tx *sql.Tx) error {
	if err := sqliteschema.SetupSchemaOnDB(execer{ctx: ctx, tx: tx}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `CREATE TABLE posthaste_schema (version TEXT NOT NULL)`); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO posthaste_schema (version) VALUES (?)`, sqliteSchema)
	return err
}

func dropSQLiteIndexes(ctx context.Context, tx *sql.Tx) error {
	for {
		var index string
		err := tx.QueryRowContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'executions_visibility'
			AND name LIKE 'by\_%' ESCAPE '\' AND name NOT IN ('`+strings.Join(usedIndexes, "', '")+`')`).Scan(&index)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		if _, err := tx.ExecContext(ctx, `DROP INDEX "`+index+`"`); err != nil {
			return err
		}
	}
}

// execer runs Temporal's schema statements in our transaction. Exec is all that
// setting up a schema calls; the rest of the interface is left nil.
type execer struct {
	sqlplugin.AdminDB
	ctx context.Context
	tx  *sql.Tx
}

func (e execer) Exec(statement string, args ...any) error {
	_, err := e.tx.ExecContext(e.ctx, statement, args...)
	return err
}
