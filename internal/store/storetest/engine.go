package storetest

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testEngine(t *testing.T, open Open) {
	t.Helper()
	one := models.Engine{Namespace: "posthaste", NamespaceID: "11111111"}
	two := models.Engine{Namespace: "posthaste", NamespaceID: "22222222"}

	t.Run("the first engine gets the store, and no other", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		bound, err := s.Engine(t.Context())
		require.NoError(t, err)
		require.Zero(t, bound)
		for range 2 {
			require.NoError(t, s.BindEngine(t.Context(), one))
		}
		err = s.BindEngine(t.Context(), two)
		var refused *models.EngineError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "22222222", refused.Other.NamespaceID)
		require.Equal(t, "11111111", refused.Bound.NamespaceID)
		require.ErrorContains(t, err, "posthaste migrate release-temporal")
		bound, err = s.Engine(t.Context())
		require.NoError(t, err)
		require.Equal(t, "posthaste", bound.Namespace)
		require.False(t, bound.BoundAt.IsZero())
	})

	t.Run("a namespace that was renamed is the same engine", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		require.NoError(t, s.BindEngine(t.Context(), one))
		require.NoError(t, s.BindEngine(t.Context(), models.Engine{Namespace: "new-name", NamespaceID: one.NamespaceID}))
	})

	t.Run("of several at once one gets it", func(t *testing.T) {
		t.Parallel()
		for range rounds {
			s := migrated(t, open)
			var got atomic.Int64
			atOnce(8, func(i int) {
				engine := one
				if i%2 == 1 {
					engine = two
				}
				if s.BindEngine(t.Context(), engine) == nil {
					got.Add(1)
				}
			})
			require.Equal(t, int64(4), got.Load(), "the four of one engine")
		}
	})

	t.Run("once released it is the next one's, and the audit says so", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		entry := models.AuditEntry{Action: models.AuditReleaseEngine, Why: models.Why{By: "Kim"}}
		was, err := s.ReleaseEngine(t.Context(), entry)
		require.NoError(t, err)
		require.Zero(t, was)
		require.NoError(t, s.BindEngine(t.Context(), one))
		was, err = s.ReleaseEngine(t.Context(), entry)
		require.NoError(t, err)
		require.Equal(t, one.NamespaceID, was.NamespaceID)
		require.NoError(t, s.BindEngine(t.Context(), two))
		require.Error(t, s.BindEngine(t.Context(), one))

		entries, err := s.Audit(t.Context(), models.AuditFilter{Action: models.AuditReleaseEngine})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, one.NamespaceID, entries[0].Subject)
		require.Equal(t, "Kim", entries[0].By)
	})
}

func testHealth(t *testing.T, open Open) {
	t.Helper()
	s := migrated(t, open)
	state, err := s.Health(t.Context())
	require.NoError(t, err)
	require.Equal(t, models.HealthReady, state)
	require.NoError(t, s.Writable(t.Context()))
	require.NoError(t, s.Close())
}
