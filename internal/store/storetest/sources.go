package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testSources(t *testing.T, open Open) {
	run := cases(t, open)

	run("a source comes back as it was, its settings byte for byte", func(t *testing.T, b *bundle) {
		source := b.newSource()
		source.Credentials = append(source.Credentials, models.SourceCredential{Secret: "old <&> \u00fc"})
		source.PublicURL, source.Settings = "https://hooks.example", raw(`{ "name":"acme", "event" : "json.<kind>" }`)
		require.NoError(t, source.Validate())
		require.NoError(t, b.CreateSource(t.Context(), source))
		require.Equal(t, source, b.loadSource(t, source.ID))
	})

	run("what is not set stays unset", func(t *testing.T, b *bundle) {
		source := b.source(t)
		require.Equal(t, source, b.loadSource(t, source.ID))
		require.Nil(t, source.Settings)
	})

	run("an unknown id is not found by any verb", func(t *testing.T, b *bundle) {
		_, err := b.Source(t.Context(), "src_none")
		requireCode(t, models.CodeNotFound, err)
		_, err = b.UpdateSource(t.Context(), "src_none", func(*models.Source) error { return nil })
		requireCode(t, models.CodeNotFound, err)
		requireCode(t, models.CodeNotFound, b.DeleteSource(t.Context(), "src_none"))
	})

	run("a taken id is a conflict and changes nothing", func(t *testing.T, b *bundle) {
		source := b.source(t)
		other := b.newSource()
		other.ID, other.Name = source.ID, "other"
		requireCode(t, models.CodeConflict, b.CreateSource(t.Context(), other))
		require.Equal(t, source, b.loadSource(t, source.ID))
	})

	run("a list is paged by tenant, newest first", func(t *testing.T, b *bundle) {
		var all []string
		for range 7 {
			all = append(all, b.source(t).ID)
		}
		slices.Sort(all) // those of one millisecond have no order of their own
		other := &bundle{Store: b.Store, tenant: models.NewID("tenant_")}
		other.source(t)
		requirePaged(t, all, func(p models.Page) ([]*models.Source, error) {
			found, err := b.Sources(t.Context(), models.SourceFilter{Tenant: b.tenant, Page: p})
			for _, source := range found {
				require.Equal(t, b.newSource().Credentials, source.Credentials)
			}
			return found, err
		}, func(s *models.Source) string { return s.ID })
	})

	run("a source that is deleted is gone", func(t *testing.T, b *bundle) {
		source := b.source(t)
		require.NoError(t, b.DeleteSource(t.Context(), source.ID))
		_, err := b.Source(t.Context(), source.ID)
		requireCode(t, models.CodeNotFound, err)
	})

	testUpdateSource(run)
}

func testUpdateSource(run func(string, func(*testing.T, *bundle))) {
	run("a change is stored and returned, zero values too", func(t *testing.T, b *bundle) {
		source := b.newSource()
		source.PublicURL, source.Settings = "https://hooks.example", raw(`{}`)
		require.NoError(t, b.CreateSource(t.Context(), source))
		changed, err := b.UpdateSource(t.Context(), source.ID, func(s *models.Source) error {
			require.Equal(t, source, s)
			s.Name, s.PublicURL, s.Settings, s.Status = "", "", nil, models.SourceDisabled
			s.Credentials = []models.SourceCredential{{Secret: "new"}}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, changed, b.loadSource(t, source.ID))
		require.Empty(t, changed.Name)
		require.Empty(t, changed.PublicURL)
		require.Nil(t, changed.Settings)
		require.Equal(t, models.SourceDisabled, changed.Status)
		require.Equal(t, "new", changed.Credentials[0].Secret)
	})

	run("what a source is cannot be changed", func(t *testing.T, b *bundle) {
		source := b.source(t)
		changed, err := b.UpdateSource(t.Context(), source.ID, func(s *models.Source) error {
			s.ID, s.Tenant, s.Provider, s.CreatedAt = "src_other", "other", "other", time.Now()
			return nil
		})
		require.NoError(t, err)
		source.UpdatedAt = changed.UpdatedAt
		require.Equal(t, source, changed)
	})

	run("each change has a later time, whatever the clock says", func(t *testing.T, b *bundle) {
		source := b.newSource()
		ahead := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		source.UpdatedAt = ahead
		require.NoError(t, b.CreateSource(t.Context(), source))
		for i := range 3 {
			changed, err := b.UpdateSource(t.Context(), source.ID, func(*models.Source) error { return nil })
			require.NoError(t, err)
			require.Equal(t, ahead.Add(time.Duration(i+1)*time.Microsecond), changed.UpdatedAt)
		}
	})

	run("what is refused stores nothing", func(t *testing.T, b *bundle) {
		source, no := b.source(t), errors.New("no")
		_, err := b.UpdateSource(t.Context(), source.ID, func(s *models.Source) error { s.Name = "x"; return no })
		require.ErrorIs(t, err, no)
		_, err = b.UpdateSource(t.Context(), source.ID, func(s *models.Source) error { s.Status = "broken"; return nil })
		requireCode(t, models.CodeInvalid, err)
		require.Equal(t, source, b.loadSource(t, source.ID))
	})

	run("what is done to a source is in the audit, in the same commit", func(t *testing.T, b *bundle) {
		source := b.newSource()
		entry := func(action models.AuditAction) models.AuditEntry {
			return models.AuditEntry{Action: action, Why: annForATest}
		}
		require.NoError(t, b.CreateSource(t.Context(), source, entry(models.AuditCreateSource)))
		requireCode(t, models.CodeConflict, b.CreateSource(t.Context(), source, entry(models.AuditCreateSource)))
		_, err := b.UpdateSource(t.Context(), source.ID, func(*models.Source) error { return nil }, entry(models.AuditUpdateSource))
		require.NoError(t, err)
		_, err = b.UpdateSource(t.Context(), source.ID, func(*models.Source) error { return errors.New("no") }, entry(models.AuditUpdateSource))
		require.Error(t, err)
		require.NoError(t, b.DeleteSource(t.Context(), source.ID, entry(models.AuditDeleteSource)))
		requireCode(t, models.CodeNotFound, b.DeleteSource(t.Context(), source.ID, entry(models.AuditDeleteSource)))
		b.requireAudit(t, source.ID, models.AuditDeleteSource, models.AuditUpdateSource, models.AuditCreateSource)
	})
}

func (b *bundle) newSource() *models.Source {
	return models.NewSource(models.Source{
		Tenant: b.tenant, Name: "repository", Provider: "github",
		Credentials: []models.SourceCredential{{ID: "a", Secret: "hush"}},
	}, time.Now())
}

func (b *bundle) source(t *testing.T) *models.Source {
	t.Helper()
	source := b.newSource()
	require.NoError(t, b.CreateSource(t.Context(), source))
	return source
}

func (b *bundle) loadSource(t *testing.T, id string) *models.Source {
	t.Helper()
	source, err := b.Source(t.Context(), id)
	require.NoError(t, err)
	return source
}
