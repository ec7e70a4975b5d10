package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
)

var allMigrations = []string{
	"00001_events", "00002_subscriptions", "00003_deliveries", "00004_attempts", "00005_hold", "00006_audit",
	"00007_recoveries", "00008_sources", "00009_claims", "00010_outstanding", "00011_subscription_versions",
	"00012_received", "00013_stops", "00014_standing", "00015_engine", "00016_groups", "00017_created",
	"00018_api_keys", "00019_tenants", "00020_retention", "00021_attempt_stats", "00022_erasures",
	"00023_payloads", "00024_search", "00026_counted", "00028_traceparent",
	"00030_tenant_retention", "00031_last_class",
}

func testMigrations(t *testing.T, open Open) {
	t.Run("a new database is behind, and the error says what to do", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, open(t).CheckMigrated(t.Context()), "run posthaste migrate up")
	})

	t.Run("all are applied in order, once", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		applied, err := s.Migrate(t.Context())
		require.NoError(t, err)
		require.Equal(t, allMigrations, applied)
		require.NoError(t, s.CheckMigrated(t.Context()))

		applied, err = s.Migrate(t.Context())
		require.NoError(t, err)
		require.Empty(t, applied)
	})

	t.Run("up, down and up again works", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		undone, err := s.MigrateDown(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, reversed(allMigrations), undone)
		require.Error(t, s.CheckMigrated(t.Context()))

		again, err := s.Migrate(t.Context())
		require.NoError(t, err)
		require.Equal(t, allMigrations, again)
		require.NoError(t, s.CheckMigrated(t.Context()))
	})

	t.Run("a database without the last one is behind", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		last := len(allMigrations) - 1
		before, needed := number(t, allMigrations[last-1]), number(t, allMigrations[last])
		undone, err := s.MigrateDown(t.Context(), before)
		require.NoError(t, err)
		require.Equal(t, allMigrations[last:], undone)
		require.ErrorContains(t, s.CheckMigrated(t.Context()),
			fmt.Sprintf("is at migration %d, this program needs %d", before, needed))
	})

	t.Run("the status tells applied from pending", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		for _, m := range migrationStatus(t, s) {
			require.True(t, m.Pending)
			require.Zero(t, m.AppliedAt)
		}
		_, err := s.Migrate(t.Context())
		require.NoError(t, err)
		for _, m := range migrationStatus(t, s) {
			require.False(t, m.Pending)
			require.False(t, m.AppliedAt.IsZero())
		}
	})
}

func migrationStatus(t *testing.T, s *store.Store) []store.Migration {
	t.Helper()
	status, err := s.MigrationStatus(t.Context())
	require.NoError(t, err)
	require.Len(t, status, len(allMigrations))
	for i, m := range status {
		require.Equal(t, number(t, allMigrations[i]), m.Version)
		require.Equal(t, allMigrations[i], m.Name)
	}
	return status
}

// number is what the name of a migration begins with.
func number(t *testing.T, migration string) int64 {
	t.Helper()
	digits, _, _ := strings.Cut(migration, "_")
	n, err := strconv.ParseInt(digits, 10, 64)
	require.NoError(t, err)
	return n
}

func reversed(names []string) []string {
	names = slices.Clone(names)
	slices.Reverse(names)
	return names
}
