package activities_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// setReadOnly makes the database one that can only be read, as a standby is, or lets it be written again.
func setReadOnly(t *testing.T, url, readOnly string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	var name string
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
	for _, statement := range []string{
		"SET default_transaction_read_only = off",
		"ALTER DATABASE " + name + " SET default_transaction_read_only = " + readOnly,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}

// TestNothingIsSentThatCannotBeRecorded has a store that can be read and not written, as after a failover, while
// deliveries are due: Temporal tries each again and again.
func TestNothingIsSentThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	const deliveries, tries = 5, 10
	url := pgtest.URL(t)
	b := setupOn(t, store.Options{DatabaseURL: url})
	_, ids := b.deliveries(t, deliveries) // which proves that writes go through: the first attempt goes out
	setReadOnly(t, url, "on")
	for range tries {
		for _, id := range ids {
			require.Error(t, b.attempt(activities.AttemptDeliveryInput{DeliveryID: id}))
		}
	}
	sent := 0
	for id, times := range b.receiver {
		require.Equal(t, 1, times, "delivery %s is sent once more than recorded, at most", id)
		sent += times
	}
	require.LessOrEqual(t, sent, 1, "after the first one everybody knows")

	setReadOnly(t, url, "off")
	require.Eventually(t, func() bool { return b.Writable(t.Context()) == nil }, 20*time.Second, 50*time.Millisecond)
	for _, id := range ids {
		require.NoError(t, b.attempt(activities.AttemptDeliveryInput{DeliveryID: id}))
		delivery, err := b.Delivery(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, models.DeliveryDelivered, delivery.Status)
		require.Equal(t, 1, delivery.Attempts, "what was not recorded uses up nothing")
		require.LessOrEqual(t, b.receiver[id], 2)
	}
}
