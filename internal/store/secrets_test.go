package store_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

const (
	secret     = "whsec_dmVyeSBzZWNyZXQ"
	credential = "Bearer very-private"
	shared     = "what we share with a provider"
)

func createSource(t *testing.T, s *store.Store) *models.Source {
	t.Helper()
	source := models.NewSource(models.Source{
		Provider: "github", Credentials: []models.SourceCredential{{ID: "key-id", Secret: shared}},
	}, time.Now())
	require.NoError(t, s.CreateSource(t.Context(), source))
	return source
}

func createSecretSubscription(t *testing.T, s *store.Store) *models.Subscription {
	t.Helper()
	sub := models.NewSubscription(models.Subscription{
		URL: "https://a.example", EventTypes: []string{"*"}, Headers: map[string]string{"Authorization": credential},
		Secrets: []models.Secret{{Value: secret}},
	}, time.Now())
	require.NoError(t, s.CreateSubscription(t.Context(), sub))
	return sub
}

func TestSecretsAndHeadersAreNotReadableInTheTables(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		sub := createSecretSubscription(t, migrated(t, o))
		for _, table := range []string{"subscriptions", "subscription_patterns"} {
			dump := dumpTable(t, rawDB(t, o), table)
			require.Contains(t, dump, sub.ID, "the dump shows what is there")
			require.NotContains(t, dump, secret)
			require.NotContains(t, dump, credential)
			require.NotContains(t, dump, "Authorization")
		}
	})
}

func TestCredentialsOfSourcesAreNotReadableInTheTable(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		source := createSource(t, migrated(t, o))
		dump := dumpTable(t, rawDB(t, o), "sources")
		require.Contains(t, dump, source.ID, "the dump shows what is there")
		require.NotContains(t, dump, shared)
		require.NotContains(t, dump, "key-id")
	})
}

func TestSourcesNeedTheirKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		s, db := migrated(t, o), rawDB(t, o)
		one, two := createSource(t, s), createSource(t, s)
		require.NoError(t, s.CheckKeys(t.Context()))
		_, err := db.ExecContext(t.Context(),
			"UPDATE sources SET credentials = (SELECT credentials FROM sources WHERE id = $2) WHERE id = $1", one.ID, two.ID)
		require.NoError(t, err)
		_, single := s.Source(t.Context(), one.ID)
		_, list := s.Sources(t.Context(), models.SourceFilter{})
		for _, err := range []error{single, list, s.CheckKeys(t.Context())} {
			require.ErrorContains(t, err, "belongs elsewhere")
			require.ErrorContains(t, err, models.ShortSourceID(one.ID))
			require.NotContains(t, err.Error(), one.ID, "the id is part of a URL that may be secret")
		}

		o.Keys = newKeys(t)
		_, err = open(t, o).Source(t.Context(), two.ID)
		require.ErrorContains(t, err, "is not in the master key")
		o.Keys = nil
		require.ErrorContains(t, open(t, o).CreateSource(t.Context(), two), "there is no key")
	})
}

func TestSealedValuesOpenOnlyInTheirOwnPlace(t *testing.T) {
	t.Parallel()
	moves := []string{
		"UPDATE subscriptions SET secrets = (SELECT secrets FROM subscriptions WHERE id = $2) WHERE id = $1",
		"UPDATE subscriptions SET headers = (SELECT headers FROM subscriptions WHERE id = $2) WHERE id = $1",
		"UPDATE subscriptions SET secrets = headers WHERE id = $1 AND id <> $2",
	}
	onBoth(t, func(t *testing.T, o store.Options) {
		s, db := migrated(t, o), rawDB(t, o)
		for _, move := range moves {
			one, two := createSecretSubscription(t, s), createSecretSubscription(t, s)
			_, err := db.ExecContext(t.Context(), move, one.ID, two.ID)
			require.NoError(t, err)
			_, err = s.Subscription(t.Context(), one.ID)
			require.ErrorContains(t, err, one.ID)
			require.ErrorContains(t, err, "belongs elsewhere")
			require.Equal(t, models.CodeInternal, models.ErrorCode(err))
			_, err = s.Subscription(t.Context(), two.ID)
			require.NoError(t, err)
		}
	})
}

func TestSubscriptionsNeedTheirKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		sub := createSecretSubscription(t, migrated(t, o))

		require.NoError(t, open(t, o).CheckKeys(t.Context()))

		o.Keys = newKeys(t)
		_, err := open(t, o).Subscription(t.Context(), sub.ID)
		require.ErrorContains(t, err, "is not in the master key")
		err = open(t, o).CheckKeys(t.Context())
		require.ErrorContains(t, err, "is not in the master key")
		require.ErrorContains(t, err, sub.ID)

		o.Keys = nil
		keyless := open(t, o)
		_, err = keyless.Subscription(t.Context(), sub.ID)
		require.ErrorContains(t, err, "there is no key")
		require.ErrorContains(t, keyless.CreateSubscription(t.Context(), sub), "there is no key")
		require.NoError(t, keyless.CheckMigrated(t.Context()))
	})
}

// dumpTable prints every value of every row as text.
func dumpTable(t *testing.T, db *sql.DB, table string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	var dump string
	for rows.Next() {
		require.NoError(t, rows.Scan(targets...))
		for i, value := range values {
			dump += fmt.Sprintf("%s=%s\n", columns[i], value)
		}
	}
	require.NoError(t, rows.Err())
	return dump
}
