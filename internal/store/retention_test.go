package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// TestExpireIsAllOrNothing has the database fail at the last statements of a batch: as when the process dies there, nothing of
// the batch has happened, and the next one does all of it.
func TestExpireIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what           models.Expiry
		when, on, then string // the statement that fails
	}{
		{models.ExpireEvents, "DELETE", "events", "it is gone"},
		{models.ExpireEvents, "UPDATE OF reached", "retention", "the progress is noted"},
		{models.ExpirePayloads, "UPDATE OF data", "events", "its data are gone"},
		{models.ExpireAudit, "UPDATE OF reached", "retention", "the progress is noted"},
	} {
		t.Run(string(c.what)+", before "+c.then, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, o store.Options) {
				s, db := migrated(t, o), rawDB(t, o)
				settle(t, s, []byte("{}"), 3)
				e, again := endsSoon(c.what), time.Now()
				dump := dumpAll(t, db)
				mend := breakOn(t, db, o, c.when, c.on)
				_, _, err := s.Expire(t.Context(), e, again)
				require.ErrorContains(t, err, "broken by the test")
				require.Equal(t, dump, dumpAll(t, db))

				mend()
				gone, over, err := s.Expire(t.Context(), e, again)
				require.NoError(t, err)
				require.True(t, over)
				require.Equal(t, 3, gone.Events+gone.Payloads+gone.Entries)
			})
		})
	}
}

// endsSoon is a pass in which all ends that was stored so far.
func endsSoon(what models.Expiry) models.Ending {
	keep := models.Retention{Audit: time.Hour}
	if what == models.ExpireEvents {
		keep.Events = time.Hour
	} else {
		keep.Payloads = time.Hour
	}
	return models.Ending{Expiry: what, Keep: keep, At: time.Now().Add(time.Hour + time.Second)}
}

// settle stores events with this data that are delivered, and an entry of the audit for each.
func settle(t *testing.T, s *store.Store, data []byte, count int) {
	t.Helper()
	sub := models.NewSubscription(models.Subscription{
		Tenant: "a", URL: "https://a.example", EventTypes: []string{"x"}, Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
	}, time.Now())
	require.NoError(t, s.CreateSubscription(t.Context(), sub))
	for range count {
		e := models.NewEvent(models.Event{Tenant: "a", Type: "x", Data: data}, time.Now())
		_, err := s.CreateEvents(t.Context(), []*models.Event{e})
		require.NoError(t, err)
		plan, err := s.PlanDeliveries(t.Context(), e.ID, nil)
		require.NoError(t, err)
		a := &models.Attempt{DeliveryID: plan.Targets[0].DeliveryID, Number: 1, StartedAt: time.Now(), Exchange: models.Exchange{Status: 200}}
		require.NoError(t, s.RecordAttempt(t.Context(), a, models.DeliveryOutcome{Status: models.DeliveryDelivered}))
		require.NoError(t, s.AddAudit(t.Context(), models.AuditEntry{Tenant: "a", Subject: e.ID}))
	}
}

func dumpAll(t *testing.T, db *sql.DB) (dump string) {
	t.Helper()
	for _, table := range []string{"events", "deliveries", "attempts", "audit", "retention"} {
		dump += dumpTable(t, db, table)
	}
	return dump
}

// breakOn has such statements on the table fail until the function that it returns is called.
func breakOn(t *testing.T, db *sql.DB, o store.Options, when, table string) (mend func()) {
	t.Helper()
	exec := func(statement string) {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	if o.DatabaseURL == "" {
		exec(fmt.Sprintf("CREATE TRIGGER broken BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'broken by the test'); END", when, table))
		return func() { exec("DROP TRIGGER broken") }
	}
	exec("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken by the test'; END $$")
	exec(fmt.Sprintf("CREATE TRIGGER broken BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION broken()", when, table))
	return func() { exec("DROP TRIGGER broken ON " + table) }
}

func TestSQLiteGivesFreePagesBack(t *testing.T) {
	t.Parallel()
	s := migrated(t, sqliteOptions(t))
	settle(t, s, []byte(`"`+string(bytes.Repeat([]byte("x"), 50_000))+`"`), 120)
	full, _, err := s.Size(t.Context())
	require.NoError(t, err)
	require.Greater(t, full, int64(6_000_000))

	again := time.Now()
	for over := false; !over; {
		_, over, err = s.Expire(t.Context(), endsSoon(models.ExpireEvents), again)
		require.NoError(t, err)
	}
	empty, free, err := s.Size(t.Context())
	require.NoError(t, err)
	require.Less(t, empty, full/2)
	require.Less(t, free, full/2)
}
