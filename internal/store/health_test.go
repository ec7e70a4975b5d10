package store_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

func publish(t *testing.T, s *store.Store, size int) error {
	t.Helper()
	noise := make([]byte, size)
	_, _ = rand.Read(noise)
	data, err := json.Marshal(noise)
	require.NoError(t, err)
	e := models.NewEvent(models.Event{Type: "a", Data: data}, time.Now())
	_, err = s.CreateEvents(t.Context(), []*models.Event{e})
	return err
}

// setReadOnly makes every transaction of the database's server role read-only, or lets them write again.
func setReadOnly(t *testing.T, db *sql.DB, readOnly string) {
	t.Helper()
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

func requireAway(t *testing.T, err error, why string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, models.CodeUnavailable, models.ErrorCode(err), "%v", err)
	require.ErrorContains(t, err, why)
}

func TestReadOnlyPostgres(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	s := migrated(t, o)
	db := rawDB(t, o)
	db.SetMaxOpenConns(1)
	require.NoError(t, publish(t, s, 10))
	setReadOnly(t, db, "on")
	require.Eventually(t, func() bool { // the first ones may meet the connections that were cut
		err := publish(t, s, 10)
		requireAway(t, err, "")
		return stdContains(err, "the database is read-only")
	}, 20*time.Second, 10*time.Millisecond)

	requireAway(t, s.Writable(t.Context()), "the database is read-only")
	state, err := s.Health(t.Context())
	requireAway(t, err, "the database is read-only")
	require.Equal(t, models.HealthReadOnly, state)
	_, err = s.Events(t.Context(), models.EventFilter{})
	require.NoError(t, err, "it can be read")

	setReadOnly(t, db, "off")
	require.Eventually(t, func() bool { return s.Writable(t.Context()) == nil }, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, publish(t, s, 10))
	state, err = s.Health(t.Context())
	require.NoError(t, err)
	require.Equal(t, models.HealthReady, state)
}

func TestAProcessThatHasNotWrittenFindsOutBeforeItActs(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	migrated(t, o)
	db := rawDB(t, o)
	db.SetMaxOpenConns(1)
	setReadOnly(t, db, "on")
	requireAway(t, open(t, o).Writable(t.Context()), "the database is read-only")
}

func stdContains(err error, text string) bool {
	return bytes.Contains([]byte(err.Error()), []byte(text))
}

func TestFullSQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "posthaste.db")
	s := migrated(t, store.Options{Path: path})
	require.NoError(t, publish(t, s, 10))
	store.LimitPages(t, s, 200) // as a disk with room for that many
	require.Eventually(t, func() bool {
		err := publish(t, s, 60_000)
		if err != nil {
			requireAway(t, err, "the database is out of disk space; try again")
		}
		return err != nil
	}, 20*time.Second, time.Millisecond)

	requireAway(t, s.Writable(t.Context()), "out of disk space")
	state, err := s.Health(t.Context())
	requireAway(t, err, "out of disk space")
	require.Equal(t, models.HealthFull, state)

	store.LimitPages(t, s, 1<<30)
	require.Eventually(t, func() bool { return s.Writable(t.Context()) == nil }, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, publish(t, s, 60_000))
}

func TestClosedStoreIsAway(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		s := migrated(t, o)
		require.NoError(t, s.Close())
		requireAway(t, publish(t, s, 10), "the database does not answer")
		_, err := s.Events(t.Context(), models.EventFilter{})
		requireAway(t, err, "the database does not answer")
		state, err := s.Health(t.Context())
		requireAway(t, err, "the database does not answer")
		require.Equal(t, models.HealthAway, state)
	})
}

// TestPostgresThatGoesAwayUnderLoad cuts all connections again and again, as a crash does, while there is much to do.
func TestPostgresThatGoesAwayUnderLoad(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	s := migrated(t, o)
	db := rawDB(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var failed atomic.Int64
	var wg sync.WaitGroup
	work := func(do func() error) {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := do(); err != nil {
					failed.Add(1)
					requireCodeUnavailable(t, err)
				}
			}
		})
	}
	for range 4 {
		work(func() error { return publish(t, s, 100) })
		work(func() error { _, err := s.Events(t.Context(), models.EventFilter{}); return err })
		work(func() error {
			return s.CreateSubscription(t.Context(), models.NewSubscription(models.Subscription{
				URL: "https://shop.example/hook", EventTypes: []string{"*"}, Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
			}, time.Now()))
		})
	}
	for ctx.Err() == nil {
		_, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		require.NoError(t, err)
	}
	wg.Wait()
	require.Positive(t, failed.Load())
	require.Eventually(t, func() bool { return publish(t, s, 100) == nil }, 20*time.Second, 10*time.Millisecond)
}

// requireCodeUnavailable may be called from any goroutine.
func requireCodeUnavailable(t *testing.T, err error) {
	t.Helper()
	if models.ErrorCode(err) != models.CodeUnavailable {
		t.Errorf("%v", err)
	}
}
