package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

func TestTheAuditIsAppendOnly(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o store.Options) {
		s, db := migrated(t, o), rawDB(t, o)
		require.NoError(t, s.AddAudit(t.Context(), models.AuditEntry{Tenant: "a", Origin: "b"}))
		before := dumpTable(t, db, "audit")
		statements := []string{"UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"}
		if o.DatabaseURL != "" {
			statements = append(statements, "TRUNCATE audit")
		}
		for _, statement := range statements {
			_, err := db.ExecContext(t.Context(), statement)
			require.ErrorContains(t, err, "the audit is append-only")
		}
		require.Equal(t, before, dumpTable(t, db, "audit"))

		erasure, err := s.EraseTenant(t.Context(), "a", models.Why{By: "ann"})
		require.NoError(t, err)
		require.NoError(t, s.FinishErasure(t.Context(), erasure.ID, 0))
		_, err = db.ExecContext(t.Context(), "DELETE FROM audit")
		require.ErrorContains(t, err, "the audit is append-only", "an erasure that is finished removes nothing more")
	})
}
