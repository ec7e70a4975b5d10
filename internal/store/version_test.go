package store_test

import (
	"database/sql"
	"math"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/store"
)

// version is that of the subscriptions of the office's tenant.
func (b *office) version(t *testing.T) (version int64) {
	t.Helper()
	require.NoError(t, rawDB(t, b.Options).QueryRowContext(t.Context(),
		"SELECT version FROM subscription_versions WHERE tenant = '"+b.subscription.Tenant+"'").Scan(&version))
	return version
}

// TestVersionsDoNotFollowOneAnother makes sure that none can be told from others: not from the one before, nor from
// anything that is counted, such as transactions.
func TestVersionsDoNotFollowOneAnother(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		migrated(t, o)
		b := newOffice(t, o)
		versions := []int64{0}
		for range 3 {
			b.exec(t, "UPDATE subscriptions SET name = name || 'x' WHERE id = $1")
			versions = append(versions, b.version(t))
		}
		for i, version := range versions {
			for _, other := range versions[:i] {
				require.Greater(t, math.Abs(float64(version)-float64(other)), float64(1<<32))
			}
		}
	})
}

// TestRepeatedHistoryHasOtherVersions makes a change, and another one instead of it in an older copy of the file.
func TestRepeatedHistoryHasOtherVersions(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	migrated(t, o)
	first := newOffice(t, o)
	path := filepath.Join(t.TempDir(), "restored.db")
	_, err := rawDB(t, o).ExecContext(t.Context(), "VACUUM INTO '"+path+"'")
	require.NoError(t, err)
	again := *first
	again.Path = path
	require.Equal(t, first.version(t), again.version(t))

	first.exec(t, "UPDATE subscriptions SET url = 'https://one.example/' WHERE id = $1")
	again.exec(t, "UPDATE subscriptions SET url = 'https://two.example/' WHERE id = $1")
	require.NotEqual(t, first.version(t), again.version(t))
}

// TestMigratingAgainGivesNewVersions is for what may have changed while the triggers were away.
func TestMigratingAgainGivesNewVersions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		migrated(t, o)
		b := newOffice(t, o)
		before := b.version(t)
		_, err := b.here.MigrateDown(t.Context(), 10)
		require.NoError(t, err)
		_, err = b.here.Migrate(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, before, b.version(t))
		require.NotZero(t, b.version(t))
	})
}

// TestATransactionHasOneVersion keeps a change of many rows by hand from writing their tenant's row as many times.
func TestATransactionHasOneVersion(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	migrated(t, o)
	b := newOffice(t, o)
	tx, err := rawDB(t, o).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	before := b.version(t)
	first := b.touch(t, tx)
	require.NotEqual(t, before, first)
	require.Equal(t, first, b.touch(t, tx))
	require.NoError(t, tx.Commit())
	require.Equal(t, first, b.version(t))
}

// touch changes the subscription within a transaction, and returns the version that this gives it.
func (b *office) touch(t *testing.T, tx *sql.Tx) (version int64) {
	t.Helper()
	_, err := tx.ExecContext(t.Context(), "SET CONSTRAINTS ALL IMMEDIATE")
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "UPDATE subscriptions SET name = name || 'x' WHERE id = $1", b.subscription.ID)
	require.NoError(t, err)
	require.NoError(t, tx.QueryRowContext(t.Context(),
		"SELECT version FROM subscription_versions WHERE tenant = $1", b.subscription.Tenant).Scan(&version))
	return version
}

// TestChangesFromElsewhereAreSeen changes subscriptions in a schema that is not on the search path of whoever changes
// them. Restoring a dump is like that.
func TestChangesFromElsewhereAreSeen(t *testing.T) {
	t.Parallel()
	elsewhere := postgresOptions(t)
	_, err := rawDB(t, elsewhere).ExecContext(t.Context(), `CREATE SCHEMA "Our own"`)
	require.NoError(t, err)
	o := elsewhere
	o.DatabaseURL += "&search_path=" + url.QueryEscape(`"Our own"`)
	migrated(t, o)
	b := newOffice(t, o)
	for _, change := range []string{
		`UPDATE "Our own".subscriptions SET url = 'https://hand.example/'`,
		`DELETE FROM "Our own".subscription_patterns`,
		`TRUNCATE "Our own".subscriptions CASCADE`,
	} {
		before := b.version(t)
		_, err := rawDB(t, elsewhere).ExecContext(t.Context(), change)
		require.NoError(t, err)
		require.NotEqual(t, before, b.version(t))
	}
}

// TestResealLocksTenantsInOrder has it wait for the first tenant, whose subscription is the newer one. It must not have
// the second by then: another process that has the first may want that, too.
func TestResealLocksTenantsInOrder(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	migrated(t, o)
	r := rotation{Options: o, oldKey: keyring.New(), newKey: keyring.New()}
	older, both := r.with(t, r.oldKey), r.with(t, r.newKey, r.oldKey)
	for _, tenant := range []string{"second", "first"} {
		require.NoError(t, older.CreateSubscription(t.Context(), newOrderSubscription(tenant)))
	}
	db := rawDB(t, o)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	lock := func(tenant string) error {
		var version int64
		return tx.QueryRowContext(t.Context(), "SELECT version FROM subscription_versions WHERE tenant = $1 FOR UPDATE NOWAIT",
			tenant).Scan(&version)
	}
	require.NoError(t, lock("first"))

	done := make(chan error, 1)
	go func() {
		_, err := both.Reseal(t.Context(), nil)
		done <- err
	}()
	require.Eventually(t, func() bool {
		var waiting bool
		err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting)
		return err == nil && waiting
	}, time.Minute, time.Millisecond)
	require.NoError(t, lock("second"))
	require.NoError(t, tx.Commit())
	require.NoError(t, <-done)
}
