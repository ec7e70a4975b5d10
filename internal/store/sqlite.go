package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pressly/goose/v3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite" // the driver "sqlite", without cgo; the embedded Temporal server uses the same

	"github.com/posthaste/posthaste/models"
)

// pragma is a setting of a SQLite connection. SQLite ignores a misspelt name in silence, so each is read back, unless a file
// may differ.
type pragma struct{ name, value, readBack string }

var (
	// Another process may hold the lock: a migration from the command line, a backup.
	busyTimeout = pragma{"busy_timeout", "10000", "10000"}

	writerPragmas = []pragma{
		busyTimeout,
		{"auto_vacuum", "INCREMENTAL", ""}, // before a table is made; a file that has tables stays as it is
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"}, // a commit is on disk when it returns: "accepted" means durable
		{"foreign_keys", "1", "1"},
	}
	readerPragmas = []pragma{busyTimeout, {"query_only", "1", "1"}}
)

func (s *Store) openSQLite(ctx context.Context, path string) error {
	path, err := createFile(path)
	if err != nil {
		return err
	}
	s.dialect = goose.DialectSQLite3
	// The writer goes first: it makes the file a WAL database. Its transactions take the write lock at once, since a
	// lock that is taken later can fail in the middle, whatever the busy timeout.
	if s.write, err = openSQLitePool(ctx, path, "immediate", 1, writerPragmas); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if s.read, err = openSQLitePool(ctx, path, "deferred", max(4, runtime.NumCPU()), readerPragmas); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// createFile makes the file and its folder unless they are there. SQLite would make the file readable for everybody,
// and would say "out of memory" where it cannot. One that is there is made the owner's alone, with those that SQLite keeps
// beside it: the folder may be one that others can enter.
func createFile(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: the path is the operator's
	if err != nil {
		return "", err
	}
	errs := []error{file.Close()}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+suffix, 0o600); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return path, errors.Join(errs...)
}

func openSQLitePool(ctx context.Context, path, lock string, conns int, pragmas []pragma) (*gorm.DB, error) {
	dialector := sqlite.Dialector{DriverName: "sqlite", DSN: sqliteDSN(path, lock, pragmas)}
	pool, err := gorm.Open(dialector, gormConfig())
	if err != nil {
		return nil, err
	}
	db, err := pool.DB()
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	for _, p := range pragmas {
		var is string
		if err := db.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&is); err != nil {
			return pool, fmt.Errorf("read %s: %w", p.name, err)
		}
		if p.readBack != "" && is != p.readBack {
			return pool, fmt.Errorf("%s is %q and cannot be set to %s here", p.name, is, p.value)
		}
	}
	return pool, nil
}

// shrinkPages is how many free pages of the file are given back after a commit that removed rows. All other writers wait for
// it. A file that was made before this was set keeps its free pages for later rows.
const shrinkPages = 512

func (s *Store) shrink(ctx context.Context, gone models.Removed) error {
	if gone.Bytes == 0 {
		return nil
	}
	err := s.write.WithContext(ctx).Exec(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", shrinkPages)).Error
	return translate("give back free pages", err)
}

// sqliteDSN names the file and the settings of each connection to it. Times are written and read as integers, in
// microseconds since 1970.
func sqliteDSN(path, lock string, pragmas []pragma) string {
	query := url.Values{"_txlock": {lock}, "_time_integer_format": {"unix_micro"}, "_inttotime": {"1"}}
	for _, p := range pragmas {
		query.Add("_pragma", p.name+"("+p.value+")")
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}
	return u.String()
}
