package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// rotation is a database on its way from an old key to a new one.
type rotation struct {
	store.Options
	oldKey, newKey string
}

// onBothRotating runs a test on a new, migrated database of either kind.
func onBothRotating(t *testing.T, test func(t *testing.T, r rotation)) {
	t.Helper()
	onBoth(t, func(t *testing.T, o store.Options) {
		migrated(t, o)
		test(t, rotation{Options: o, oldKey: keyring.New(), newKey: keyring.New()})
	})
}

// with opens the database with the keys, the first of which seals.
func (r rotation) with(t *testing.T, keys ...string) *store.Store {
	t.Helper()
	ring, err := keyring.Parse(strings.Join(keys, ","))
	require.NoError(t, err)
	o := r.Options
	o.Keys = ring
	return open(t, o)
}

func keyID(key string) string {
	id, _, _ := strings.Cut(key, ":")
	return id
}

func TestResealMakesTheOldKeyDispensable(t *testing.T) {
	t.Parallel()
	const count = 250 // more than two transactions
	onBothRotating(t, func(t *testing.T, r rotation) {
		older, both := r.with(t, r.oldKey), r.with(t, r.newKey, r.oldKey)
		before := make([]*models.Subscription, count)
		for i := range before {
			before[i] = createSecretSubscription(t, older)
		}
		requireKeysInUse(t, both, r.oldKey)

		var progress []int
		resealed, err := both.Reseal(t.Context(), func(done int) { progress = append(progress, done) })
		require.NoError(t, err)
		require.Equal(t, count, resealed)
		require.Equal(t, []int{100, 200, 250}, progress)
		requireKeysInUse(t, both, r.newKey)

		newer := r.with(t, r.newKey)
		require.NoError(t, newer.CheckKeys(t.Context()))
		for _, sub := range before {
			after, err := newer.Subscription(t.Context(), sub.ID)
			require.NoError(t, err)
			require.Equal(t, sub, after, "the times, too")
		}
		require.ErrorContains(t, older.CheckKeys(t.Context()), "is not in the master key")
	})
}

func TestResealReachesSources(t *testing.T) {
	t.Parallel()
	const count = 3
	onBothRotating(t, func(t *testing.T, r rotation) {
		older, both := r.with(t, r.oldKey), r.with(t, r.newKey, r.oldKey)
		sub, before := createSecretSubscription(t, older), make([]*models.Source, count)
		for i := range before {
			before[i] = createSource(t, older)
		}
		var progress []int
		resealed, err := both.Reseal(t.Context(), func(done int) { progress = append(progress, done) })
		require.NoError(t, err)
		require.Equal(t, 1+count, resealed)
		require.Equal(t, []int{1, 1 + count}, progress)
		requireKeysInUse(t, both, r.newKey)

		newer := r.with(t, r.newKey)
		require.NoError(t, newer.CheckKeys(t.Context()))
		for _, source := range before {
			after, err := newer.Source(t.Context(), source.ID)
			require.NoError(t, err)
			require.Equal(t, source, after, "the times, too")
		}
		_, err = newer.Subscription(t.Context(), sub.ID)
		require.NoError(t, err)

		resealed, err = both.Reseal(t.Context(), nil)
		require.NoError(t, err)
		require.Zero(t, resealed)
	})
}

func TestKeysOfSourcesAreChecked(t *testing.T) {
	t.Parallel()
	onBothRotating(t, func(t *testing.T, r rotation) {
		createSource(t, r.with(t, r.oldKey))
		require.ErrorContains(t, r.with(t, r.newKey).CheckKeys(t.Context()), "credentials of source src_")
		requireKeysInUse(t, r.with(t, r.newKey), r.oldKey)
	})
}

func requireKeysInUse(t *testing.T, s *store.Store, keys ...string) {
	t.Helper()
	var want []string
	for _, key := range keys {
		want = append(want, keyID(key))
	}
	used, err := s.KeysInUse(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, want, used)
}

func TestResealLeavesAloneWhatIsUnderTheFirstKey(t *testing.T) {
	t.Parallel()
	onBothRotating(t, func(t *testing.T, r rotation) {
		both := r.with(t, r.newKey, r.oldKey)
		for range 3 {
			createSecretSubscription(t, both)
		}
		before := dumpTable(t, rawDB(t, r.Options), "subscriptions")
		old := createSecretSubscription(t, r.with(t, r.oldKey))
		for _, want := range []int{1, 0} {
			resealed, err := both.Reseal(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, want, resealed)
		}
		require.NoError(t, both.DeleteSubscription(t.Context(), old.ID))
		require.Equal(t, before, dumpTable(t, rawDB(t, r.Options), "subscriptions"), "to the byte")
	})
}

func TestResealTouchesOnlyTheColumnsThatNeedIt(t *testing.T) {
	t.Parallel()
	onBothRotating(t, func(t *testing.T, r rotation) {
		both, db := r.with(t, r.newKey, r.oldKey), rawDB(t, r.Options)
		sub := createSecretSubscription(t, r.with(t, r.oldKey))
		_, err := both.Reseal(t.Context(), nil)
		require.NoError(t, err)
		before, headers := sealedValues(t, db, sub.ID)
		require.NotEmpty(t, headers)
		_, err = db.ExecContext(t.Context(), "UPDATE subscriptions SET headers = NULL WHERE id = $1", sub.ID)
		require.NoError(t, err)
		resealed, err := both.Reseal(t.Context(), nil)
		require.NoError(t, err)
		require.Zero(t, resealed)
		after, headers := sealedValues(t, db, sub.ID)
		require.Equal(t, before, after)
		require.Nil(t, headers, "NULL stays NULL")
	})
}

func sealedValues(t *testing.T, db *sql.DB, id string) (secrets, headers []byte) {
	t.Helper()
	row := db.QueryRowContext(t.Context(), "SELECT secrets, headers FROM subscriptions WHERE id = $1", id)
	require.NoError(t, row.Scan(&secrets, &headers))
	return secrets, headers
}

func TestResealWithoutTheRightKeyChangesNothing(t *testing.T) {
	t.Parallel()
	onBothRotating(t, func(t *testing.T, r rotation) {
		older := r.with(t, r.oldKey)
		createSecretSubscription(t, older)
		stranger := createSecretSubscription(t, r.with(t, keyring.New()))
		before := dumpTable(t, rawDB(t, r.Options), "subscriptions")
		changed := keyID(r.oldKey) + strings.TrimPrefix(r.newKey, keyID(r.newKey)) // another key by the same name

		for want, keys := range map[string][]string{
			stranger.ID:   {r.newKey, r.oldKey}, // opens the first row, but not this one
			"master key":  {r.newKey},
			"has changed": {changed},
		} {
			resealed, err := r.with(t, keys...).Reseal(t.Context(), nil)
			require.ErrorContains(t, err, want)
			require.Zero(t, resealed)
		}
		require.Equal(t, before, dumpTable(t, rawDB(t, r.Options), "subscriptions"))
	})
}

func TestResealCanBeStoppedAndRepeated(t *testing.T) {
	t.Parallel()
	const count = 150
	onBothRotating(t, func(t *testing.T, r rotation) {
		older, both := r.with(t, r.oldKey), r.with(t, r.newKey, r.oldKey)
		for range count {
			createSecretSubscription(t, older)
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, err := both.Reseal(ctx, func(int) { cancel() })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 100, first)
		requireKeysInUse(t, both, r.newKey, r.oldKey)

		rest, err := both.Reseal(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, count-first, rest)
		requireKeysInUse(t, both, r.newKey)
	})
}

// A server that has both keys, the old one first, keeps making work while another process seals anew.
func TestResealLosesNoChange(t *testing.T) {
	t.Parallel()
	const changes = 30
	onBothRotating(t, func(t *testing.T, r rotation) {
		server, both := r.with(t, r.oldKey, r.newKey), r.with(t, r.newKey, r.oldKey)
		subs := []*models.Subscription{createSecretSubscription(t, server), createSecretSubscription(t, server)}
		errs := make([]error, len(subs))
		var wg sync.WaitGroup
		for i, sub := range subs {
			wg.Go(func() { errs[i] = addHeaders(t.Context(), server, sub.ID, changes) })
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		resealed := resealUntil(t, both, done)
		require.NoError(t, errors.Join(errs...))
		require.GreaterOrEqual(t, resealed, len(subs))

		for _, sub := range subs {
			after, err := r.with(t, r.newKey).Subscription(t.Context(), sub.ID)
			require.NoError(t, err)
			require.Len(t, after.Headers, len(sub.Headers)+changes)
			require.Len(t, after.EventTypes, len(sub.EventTypes)+changes)
		}
	})
}

// resealUntil seals anew again and again, once more after done, and returns how many subscriptions that changed.
func resealUntil(t *testing.T, s *store.Store, done <-chan struct{}) (resealed int) {
	t.Helper()
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		n, err := s.Reseal(t.Context(), nil)
		require.NoError(t, err)
		resealed += n
	}
	return resealed
}

// addHeaders changes what is sealed and what is not, one change at a time. It reports instead of failing: it runs in
// goroutines.
func addHeaders(ctx context.Context, s *store.Store, id string, count int) error {
	for i := range count {
		_, err := s.UpdateSubscription(ctx, id, func(sub *models.Subscription) error {
			sub.Headers[fmt.Sprint("X-Added-", i)] = time.Now().String()
			sub.EventTypes = append(sub.EventTypes, fmt.Sprint("type", i))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
