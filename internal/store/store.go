package store

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/models"
)

// Options say which database to open.
type Options struct {
	// DatabaseURL is a Postgres URL, postgres://… or postgresql://…. Empty: the SQLite file at Path.
	DatabaseURL string

	// Path of the SQLite file. It is created when missing, with its folder, readable by the owner only. Ignored when
	// DatabaseURL is set.
	Path string

	// Keys seal secrets. Nil: migrations and everything about events and deliveries work, but a subscription or source
	// can be neither written nor read.
	Keys *keyring.Ring

	// Logger gets a line for each migration applied, at debug level, and for each pause that leaves deliveries to be held later; of a row
	// never more than its id. Nil: nothing is logged.
	Logger *slog.Logger
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	// read and write are the same pool on Postgres. SQLite has one writer at a time, so there write holds a single
	// connection: writers queue for it in Go, in turn and with their contexts, instead of running into SQLITE_BUSY.
	// Readers have a pool of their own and never wait for the writer (WAL).
	read, write *gorm.DB

	// The writes that come with every event and every attempt: on Postgres each kind in commits of its own, on SQLite, where
	// a commit is the most of their cost, all of them in the same.
	creations, plans, records *group

	loads   *reads[*models.Work]   // what every attempt reads
	apiKeys *reads[*models.APIKey] // what every call of the API reads
	health  *health
	commits *commitMetrics
	memory  *memory
	dialect goose.Dialect
	keys    *keyring.Ring
	log     *slog.Logger
}

// Open connects to the database and makes sure that it answers. It applies no migrations: see Migrate and
// CheckMigrated. Errors name the file, or the host and database, never the password.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{keys: o.Keys, log: o.Logger, memory: newMemory(), commits: newCommitMetrics()}
	s.health = &health{probe: s.probe}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(ctx, o); err != nil {
		return nil, translate("open", errors.Join(err, s.Close()))
	}
	s.openGroups()
	s.loads = newReads(loadLanes, loadLimit, s.timeout(), s.loadAll)
	s.apiKeys = newReads(keyLanes, keyLookups, s.timeout(), s.findAPIKeys)
	return s, nil
}

func (s *Store) openGroups() {
	if s.dialect != goose.DialectPostgres {
		all := s.newGroup(1) // SQLite has one writer
		s.creations, s.plans, s.records = all, all, all
		return
	}
	s.creations, s.plans, s.records = s.newGroup(postgresLanes), s.newGroup(postgresLanes), s.newGroup(postgresLanes)
}

// timeout is for a shared commit, or a shared read. SQLite is in this process: it does not go away, and waiting for it is
// waiting for a longer write of ours.
func (s *Store) timeout() time.Duration {
	if s.dialect == goose.DialectPostgres {
		return groupTimeout
	}
	return 0
}

func (s *Store) open(ctx context.Context, o Options) error {
	switch {
	case o.DatabaseURL == "" && o.Path == "":
		return errors.New("neither a database URL nor a file is given")
	case o.DatabaseURL == "":
		return s.openSQLite(ctx, o.Path)
	case strings.HasPrefix(o.DatabaseURL, "postgres://"), strings.HasPrefix(o.DatabaseURL, "postgresql://"):
		return s.openPostgres(ctx, o.DatabaseURL)
	}
	return errors.New("the database URL must start with postgres:// or postgresql://")
}

// Close closes the connections. Methods that are still running fail. Closing twice is harmless.
func (s *Store) Close() error {
	var errs []error
	for _, pool := range []*gorm.DB{s.read, s.write} {
		if pool == nil {
			continue
		}
		if db, err := pool.DB(); err == nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Ping makes sure that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return translate("ping", ping(ctx, s.read))
}

func ping(ctx context.Context, pool *gorm.DB) error {
	db, err := pool.DB()
	if err != nil {
		return err
	}
	return db.PingContext(ctx)
}

// inTransaction runs do in one transaction, committed when it returns nil. Within do only tx may be used: on SQLite
// another write would be a deadlock.
func (s *Store) inTransaction(ctx context.Context, op string, do func(tx *gorm.DB) error) error {
	return translate(op, s.transact(ctx, do))
}

// gormConfig turns off what would surprise: transactions around single statements, which are atomic anyway; a log
// that prints rows; a ping without context. It leaves PrepareStmt off, too: pgx prepares and caches by connection
// already, SQLite prepares in microseconds, and GORM's cache would hold a statement for each size of a batch.
func gormConfig() *gorm.Config {
	return &gorm.Config{SkipDefaultTransaction: true, Logger: logger.Discard, DisableAutomaticPing: true}
}
