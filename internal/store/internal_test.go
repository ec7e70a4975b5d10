package store

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestSQLiteSettingsAreReadBack(t *testing.T) {
	t.Parallel()
	for _, p := range []pragma{
		{"synchronous", "FUL", "2"},    // no such value: ignored in silence
		{"journal_mode", "OFF", "wal"}, // another value
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		pool, err := openSQLitePool(t.Context(), path, "immediate", 1, []pragma{p})
		require.ErrorContains(t, err, p.name+" is ")
		db, err := pool.DB()
		require.NoError(t, err)
		require.NoError(t, db.Close())
	}
}

func TestSQLiteReadersCannotWrite(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "x.db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.ErrorContains(t, s.read.Exec("CREATE TABLE t (x)").Error, "readonly")
	require.NoError(t, s.write.Exec("CREATE TABLE t (x)").Error)
}

func TestFirstID(t *testing.T) {
	t.Parallel()
	id := models.NewID(models.DeliveryPrefix)
	made := idTime(models.DeliveryPrefix, id)
	require.WithinDuration(t, time.Now(), made, time.Minute)
	require.Equal(t, time.UTC, made.Location())

	require.LessOrEqual(t, firstID(models.DeliveryPrefix, made), id)
	require.Greater(t, firstID(models.DeliveryPrefix, made.Add(time.Nanosecond)), id)
	require.Equal(t, "dlv_00000000000000000000000000", firstID(models.DeliveryPrefix, time.Unix(-1, 0)))
	require.Equal(t, "dlv_7zzzzzzzzz0000000000000000", firstID(models.DeliveryPrefix, time.Now().AddDate(20_000, 0, 0)))
	require.Zero(t, idTime(models.DeliveryPrefix, "dlv_none"))
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a\uFFFDb\uFFFDc ü", cleanText("a\xff\xfeb\x00c ü"))
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]models.Code{
		"57P01": models.CodeUnavailable, // admin_shutdown
		"53100": models.CodeUnavailable, // disk_full
		"08006": models.CodeUnavailable, // connection_failure
		"42P01": models.CodeInternal,    // undefined_table
	} {
		require.Equal(t, want, models.ErrorCode(translate("test", &pgconn.PgError{Code: code})), code)
	}
	_, err := Open(t.Context(), Options{DatabaseURL: "postgres://u@127.0.0.1:1/d"})
	require.Equal(t, models.CodeUnavailable, models.ErrorCode(err))
}
