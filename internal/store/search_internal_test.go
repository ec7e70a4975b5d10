package store

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/posthaste/posthaste/models"
)

// TestEverySearchGoesThroughAnIndexOfPostgres asks Postgres, which knows an index of an expression only where a query has that very
// expression, with the same collation.
func TestEverySearchGoesThroughAnIndexOfPostgres(t *testing.T) {
	t.Parallel()
	s := newDesk(t, postgresAt(t)).Store
	indexes := map[models.HitField]map[string]string{
		models.HitByIdempotencyKey: {"": "events_key", "a": "events_idempotency"},
		models.HitByMetadata:       {"": "event_metadata_pkey", "a": "event_metadata_pkey"},
		models.HitByName:           {"": "subscriptions_name", "a": "subscriptions_tenant_name"},
		models.HitByReceiver:       {"": "subscriptions_receiver", "a": "subscriptions_tenant_receiver"},
	}
	for _, look := range lookups(s.read, "x") {
		for tenant, index := range indexes[look.by] {
			recorder := &queryRecorder{Interface: logger.Discard}
			_, err := look.find(s.read.Session(&gorm.Session{Logger: recorder}), models.Search{Tenant: tenant, Limit: 10})
			require.NoError(t, err)
			plan := postgresPlan(t, s, recorder.query, tenant)
			require.Contains(t, plan, "using "+index+" ", "%s by %s in %q", look.kind, look.by, tenant)
			require.Contains(t, plan, "Index Cond", "%s by %s in %q", look.kind, look.by, tenant)
		}
	}
}

// postgresPlan returns how Postgres would run the query on large tables. On these empty ones the indexes of all tenants seem to serve
// a single one as well; that query has to do without them.
func postgresPlan(t *testing.T, s *Store, query, tenant string) (plan string) {
	t.Helper()
	tx := s.write.WithContext(t.Context()).Begin()
	defer tx.Rollback()
	for _, way := range []string{"seqscan", "bitmapscan", "sort"} {
		require.NoError(t, tx.Exec("SET LOCAL enable_"+way+" = off").Error)
	}
	if tenant != "" {
		require.NoError(t, tx.Exec("DROP INDEX events_key, subscriptions_name, subscriptions_receiver").Error)
	}
	var lines []string
	require.NoError(t, tx.Raw("EXPLAIN "+query).Scan(&lines).Error)
	return strings.Join(lines, "\n")
}

// The migration that reads the metadata of all events does so in several batches, and may be begun again.
func TestSearchIsMigratedInBatches(t *testing.T) {
	t.Parallel()
	s := newDesk(t, postgresAt(t)).Store
	migrator, err := s.migrator()
	require.NoError(t, err)
	const before, with = 23, 24
	_, err = migrator.DownTo(t.Context(), before)
	require.NoError(t, err)
	require.NoError(t, s.write.Exec(`INSERT INTO events (id, tenant, type, data, metadata, fingerprint, status, created_at)
		SELECT 'evt_' || to_char(i, 'FM000000'), 'a', 'b', '1', '{"n":"' || i || '","same":"x"}', '', 'planned', now()
		FROM generate_series(1, 20001) AS i`).Error)
	for range 2 {
		_, err = migrator.UpTo(t.Context(), with)
		require.NoError(t, err)
		require.Equal(t, 2*20001, countMetadata(t, s))
		require.NoError(t, s.write.Exec("DELETE FROM "+migrationTable+" WHERE version_id = ?", with).Error) // it died before it said so
	}
	require.NoError(t, s.write.Exec("DELETE FROM events WHERE id <= 'evt_010000'").Error)
	require.Equal(t, 2*10001, countMetadata(t, s))
}

func countMetadata(t *testing.T, s *Store) (count int) {
	t.Helper()
	require.NoError(t, s.write.WithContext(context.Background()).Raw("SELECT count(*) FROM event_metadata").Scan(&count).Error)
	return count
}
