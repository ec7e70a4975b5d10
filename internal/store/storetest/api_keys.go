package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func (b *bundle) apiKey(t *testing.T) *models.APIKey {
	t.Helper()
	key, _ := models.NewAPIKey(models.APIKey{
		Name: "one", Tenant: b.tenant, Scopes: []models.Scope{models.ScopePublish, models.ScopeReadEvents},
		Maker: models.Why{By: "ann", Key: models.RootKey}, ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
	}, time.Now())
	require.NoError(t, key.Validate())
	entry := models.AuditEntry{Action: models.AuditCreateKey, Why: key.Maker}
	require.NoError(t, b.CreateAPIKey(t.Context(), key, entry))
	return key
}

func testAPIKeys(t *testing.T, open Open) {
	run := cases(t, open)

	run("a key comes back as it was, by id and by hash", func(t *testing.T, b *bundle) {
		key := b.apiKey(t)
		for _, find := range []func() (*models.APIKey, error){
			func() (*models.APIKey, error) { return b.APIKey(t.Context(), key.ID) },
			func() (*models.APIKey, error) { return b.FindAPIKey(t.Context(), key.Hash) },
		} {
			found, err := find()
			require.NoError(t, err)
			require.Equal(t, key, found)
		}
		entries := b.audit(t, models.AuditFilter{Key: models.RootKey})
		require.Len(t, entries, 1)
		require.Equal(t, []any{key.ID, b.tenant, key.Maker}, []any{entries[0].Subject, entries[0].Tenant, entries[0].Why})
	})

	run("an unknown hash has no key, an unknown id is not found", func(t *testing.T, b *bundle) {
		found, err := b.FindAPIKey(t.Context(), models.HashAPIKey("x"))
		require.NoError(t, err)
		require.Nil(t, found)
		_, err = b.APIKey(t.Context(), "key_none")
		requireCode(t, models.CodeNotFound, err)
		requireCode(t, models.CodeNotFound, b.RevokeAPIKey(t.Context(), "key_none"))
	})

	run("many at once find each its own", func(t *testing.T, b *bundle) {
		keys := []*models.APIKey{b.apiKey(t), b.apiKey(t), b.apiKey(t)}
		found, errs := make([]*models.APIKey, 60), make([]error, 60)
		atOnce(len(found), func(i int) {
			hash := models.HashAPIKey("wrong")
			if i%4 < len(keys) {
				hash = keys[i%4].Hash
			}
			found[i], errs[i] = b.FindAPIKey(t.Context(), hash)
		})
		require.NoError(t, errors.Join(errs...))
		for i := range found {
			if i%4 < len(keys) {
				require.Equal(t, keys[i%4], found[i])
			} else {
				require.Nil(t, found[i])
			}
		}
	})

	run("a key is revoked once", func(t *testing.T, b *bundle) {
		key := b.apiKey(t)
		for range 2 {
			require.NoError(t, b.RevokeAPIKey(t.Context(), key.ID, models.AuditEntry{Action: models.AuditRevokeKey, Why: annForATest}))
			found, err := b.FindAPIKey(t.Context(), key.Hash)
			require.NoError(t, err)
			require.False(t, found.Live(time.Now()))
		}
		require.Len(t, b.audit(t, models.AuditFilter{Action: models.AuditRevokeKey}), 1)
	})

	run("a use is noted unless a later one is", func(t *testing.T, b *bundle) {
		key := b.apiKey(t)
		first := time.Now().UTC().Truncate(time.Microsecond)
		for _, use := range []struct{ at, unlessAfter, want time.Time }{
			{first, first.Add(-time.Minute), first},
			{first.Add(time.Second), first.Add(time.Second - time.Minute), first},
			{first.Add(time.Minute), first, first.Add(time.Minute)},
		} {
			require.NoError(t, b.UseAPIKey(t.Context(), key.ID, use.at, use.unlessAfter))
			found, err := b.APIKey(t.Context(), key.ID)
			require.NoError(t, err)
			require.Equal(t, use.want, found.LastUsedAt)
		}
	})

	run("a list is paged by tenant, newest first", func(t *testing.T, b *bundle) {
		var all []string
		for range 7 {
			all = append(all, b.apiKey(t).ID)
		}
		(&bundle{Store: b.Store, tenant: models.NewID("tenant_")}).apiKey(t)
		requirePaged(t, all, func(p models.Page) ([]*models.APIKey, error) {
			return b.APIKeys(t.Context(), models.APIKeyFilter{Tenant: b.tenant, Page: p})
		}, func(k *models.APIKey) string { return k.ID })
	})
}
