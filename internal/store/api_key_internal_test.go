package store

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// TestWrongKeysHoldOneConnection has the look-ups of a thousand wrong keys wait for the database, and others do their work
// meanwhile. A key among them is found, and what is not found is not remembered.
func TestWrongKeysHoldOneConnection(t *testing.T) {
	t.Parallel()
	s := newDesk(t, postgresAt(t)).Store
	key, _ := models.NewAPIKey(models.APIKey{Name: "one", Scopes: []models.Scope{models.ScopePublish}}, time.Now())
	require.NoError(t, s.CreateAPIKey(t.Context(), key))
	pool, err := s.read.DB()
	require.NoError(t, err)

	lock := s.write.Begin()
	require.NoError(t, lock.Exec("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").Error)
	idle := pool.Stats().InUse

	const wrong = 1000
	var waiting sync.WaitGroup
	errs, found := make([]error, wrong+1), make([]*models.APIKey, wrong+1)
	for i := range errs {
		hash := models.HashAPIKey(models.NewID("wrong_"))
		if i == wrong/2 {
			hash = key.Hash
		}
		waiting.Go(func() { found[i], errs[i] = s.FindAPIKey(t.Context(), hash) })
	}
	require.Eventually(t, func() bool { return s.apiKeys.queued() > wrong-keyLookups-1 }, time.Minute, time.Millisecond)
	require.Equal(t, idle+1, pool.Stats().InUse)
	_, err = s.Tenant(t.Context(), "a")
	require.NoError(t, err, "others are served")
	require.NoError(t, lock.Rollback().Error)
	waiting.Wait()
	require.NoError(t, errors.Join(errs...))
	for i := range found {
		require.Equal(t, i == wrong/2, found[i] != nil)
	}

	late, _ := models.NewAPIKey(models.APIKey{Name: "late", Scopes: []models.Scope{models.ScopePublish}}, time.Now())
	missing, err := s.FindAPIKey(t.Context(), late.Hash)
	require.NoError(t, err)
	require.Nil(t, missing)
	require.NoError(t, s.CreateAPIKey(t.Context(), late))
	there, err := s.FindAPIKey(t.Context(), late.Hash)
	require.NoError(t, err)
	require.NotNil(t, there)
}
