package store_test

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
)

func TestDatabaseAheadOfTheProgramIsRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		s := migrated(t, o)
		_, err := rawDB(t, o).ExecContext(t.Context(),
			"INSERT INTO posthaste_migrations (version_id, is_applied) VALUES (99, true)")
		require.NoError(t, err)
		err = s.CheckMigrated(t.Context())
		require.ErrorContains(t, err, "is at migration 99, this program knows only ")
		require.ErrorContains(t, err, "run posthaste migrate up")
	})
}

func TestMigratingLogsEachStepForThoseWhoDebug(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		var log bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		migrated(t, o)
		require.Contains(t, log.String(), "level=DEBUG msg=store.migrated direction=up migration=00003_deliveries")
	})
}

// TestProcessesMigrateAtOnce opens a store for each process. The advisory lock is per session, so that is the same.
func TestProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	var wg sync.WaitGroup
	applied, errs := make([][]string, 4), make([]error, 4)
	for i := range applied {
		s := open(t, o)
		wg.Go(func() { applied[i], errs[i] = s.Migrate(t.Context()) })
	}
	wg.Wait()
	total := 0
	for i := range applied {
		require.NoError(t, errs[i])
		total += len(applied[i])
	}
	known, err := open(t, o).MigrationStatus(t.Context())
	require.NoError(t, err)
	require.Len(t, known, total, "each migration is applied by one process: %v", applied)
	require.NoError(t, open(t, o).CheckMigrated(t.Context()))
}
