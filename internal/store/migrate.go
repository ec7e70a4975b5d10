package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

const migrationTable = "posthaste_migrations"

// Migration is one numbered step of the schema.
type Migration struct {
	Version   int64
	Name      string // such as 00001_events
	Pending   bool
	AppliedAt time.Time // UTC; zero when pending
}

// Migrate brings the schema up to what this program needs and returns the names of the migrations it applied, in
// order, also when a later one failed. Each is a transaction of its own, but for those which say that they are none, because
// others write meanwhile; these can be begun again. On Postgres two processes may migrate at once:
// one waits for the other and finds nothing left to do.
func (s *Store) Migrate(ctx context.Context) (applied []string, err error) {
	provider, err := s.migrator()
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	if err == nil {
		err = s.MakePartitions(ctx)
	}
	return s.report("up", results, err)
}

// MigrateDown takes back the migrations above the given version, 0 for all, and returns their names, newest first. The
// data in their tables are lost.
func (s *Store) MigrateDown(ctx context.Context, version int64) (undone []string, err error) {
	provider, err := s.migrator()
	if err != nil {
		return nil, err
	}
	results, err := provider.DownTo(ctx, version)
	return s.report("down", results, err)
}

// MigrationStatus lists the migrations that this program knows, oldest first.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) {
	provider, err := s.migrator()
	if err != nil {
		return nil, err
	}
	statuses, err := provider.Status(ctx)
	if err != nil {
		return nil, translate("read migration status", err)
	}
	known := make([]Migration, len(statuses))
	for i, status := range statuses {
		known[i] = Migration{
			Version: status.Source.Version, Name: migrationName(status.Source),
			Pending: status.State == goose.StatePending, AppliedAt: status.AppliedAt.UTC(),
		}
	}
	return known, nil
}

// CheckMigrated returns an error that says what to do when the schema is older, or newer, than this program needs.
func (s *Store) CheckMigrated(ctx context.Context) error {
	provider, err := s.migrator()
	if err != nil {
		return err
	}
	is, wanted, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return translate("check migrations", err)
	case is < wanted:
		return fmt.Errorf("the database is at migration %d, this program needs %d: run posthaste migrate up", is, wanted)
	case is > wanted:
		return fmt.Errorf("the database is at migration %d, this program knows only %d: a newer version has run "+
			"posthaste migrate up; start that version, or take its migrations back with it first", is, wanted)
	}
	return nil
}

func (s *Store) migrator() (*goose.Provider, error) {
	db, err := s.write.DB()
	if err != nil {
		return nil, translate("migrate", err)
	}
	options := []goose.ProviderOption{
		goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
	}
	folder := "migrations/sqlite"
	if s.dialect == goose.DialectPostgres {
		folder = "migrations/postgres"
		// An advisory lock, asked for every second: it is held by another process for as long as that migrates.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 3600), lock.WithUnlockTimeout(1, 60))
		if err != nil {
			return nil, translate("migrate", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, translate("migrate", err)
	}
	provider, err := goose.NewProvider(s.dialect, db, files, options...)
	return provider, translate("migrate", err)
}

// report names the migrations that were done, those before a failure included.
func (s *Store) report(direction string, results []*goose.MigrationResult, err error) ([]string, error) {
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		results = partial.Applied
	}
	var names []string
	for _, result := range results {
		name := migrationName(result.Source)
		names = append(names, name)
		s.log.Debug("store.migrated", "direction", direction, "migration", name, "took", result.Duration)
	}
	return names, translate("migrate "+direction, err)
}

func migrationName(source *goose.Source) string {
	return strings.TrimSuffix(path.Base(source.Path), ".sql")
}
