package keyring_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/keyring"
)

var (
	plain      = []byte("whsec_c2VjcmV0")
	associated = []byte("sub_01")
)

func parse(t *testing.T, specs ...string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Parse(strings.Join(specs, ","))
	require.NoError(t, err)
	return ring
}

func spec(id string, fill byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

func TestSeal(t *testing.T) {
	t.Parallel()

	t.Run("opens to the same bytes", func(t *testing.T) {
		t.Parallel()
		ring := parse(t, keyring.New())
		for _, text := range [][]byte{plain, {}, bytes.Repeat([]byte{0xff}, 100_000)} {
			sealed, err := ring.Seal(text, associated)
			require.NoError(t, err)
			opened, err := ring.Open(sealed, associated)
			require.NoError(t, err)
			require.True(t, bytes.Equal(text, opened))
		}
	})

	t.Run("hides the text and never makes the same blob twice", func(t *testing.T) {
		t.Parallel()
		ring := parse(t, keyring.New())
		first, err := ring.Seal(plain, associated)
		require.NoError(t, err)
		second, err := ring.Seal(plain, associated)
		require.NoError(t, err)
		require.NotContains(t, string(first), string(plain))
		require.NotEqual(t, first, second)
	})

	t.Run("uses the first key, and all keys open", func(t *testing.T) {
		t.Parallel()
		older, both := parse(t, spec("old", 1)), parse(t, spec("new", 2), spec("old", 1))
		before, err := older.Seal(plain, associated)
		require.NoError(t, err)
		opened, err := both.Open(before, associated)
		require.NoError(t, err)
		require.Equal(t, plain, opened)

		after, err := both.Seal(plain, associated)
		require.NoError(t, err)
		_, err = older.Open(after, associated)
		require.ErrorContains(t, err, `key "new", which is not in the master key`)
		missing := new(keyring.MissingKeyError)
		require.ErrorAs(t, err, &missing)
		require.Equal(t, "new", missing.ID)
	})

	t.Run("needs a key", func(t *testing.T) {
		t.Parallel()
		for _, ring := range []*keyring.Ring{nil, {}} {
			_, err := ring.Seal(plain, associated)
			require.ErrorContains(t, err, "there is no key")
			_, err = ring.Open(plain, associated)
			require.ErrorContains(t, err, "there is no key")
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	ring := parse(t, spec("main", 7))
	sealed, err := ring.Seal(plain, associated)
	require.NoError(t, err)

	t.Run("refuses a blob that belongs to another row", func(t *testing.T) {
		t.Parallel()
		_, err := ring.Open(sealed, []byte("sub_02"))
		require.ErrorContains(t, err, "belongs elsewhere")
	})

	t.Run("refuses a blob with any bit changed, or cut at any place", func(t *testing.T) {
		t.Parallel()
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			_, err := ring.Open(changed, associated)
			require.Error(t, err, "byte %d", i)
			_, err = ring.Open(sealed[:i], associated)
			require.Error(t, err, "cut at %d", i)
		}
	})

	t.Run("refuses another key of the same name", func(t *testing.T) {
		t.Parallel()
		_, err := parse(t, spec("main", 8)).Open(sealed, associated)
		require.ErrorContains(t, err, `key "main" has changed`)
	})
}

func TestSealedUnderFirst(t *testing.T) {
	t.Parallel()
	older, both := parse(t, spec("old", 1)), parse(t, spec("new", 2), spec("old", 1))
	before, err := older.Seal(plain, associated)
	require.NoError(t, err)
	after, err := both.Seal(plain, associated)
	require.NoError(t, err)

	require.True(t, older.SealedUnderFirst(before))
	require.False(t, both.SealedUnderFirst(before), "the key is there, but not first")
	require.True(t, both.SealedUnderFirst(after))
	require.False(t, older.SealedUnderFirst(after))
	for _, ring := range []*keyring.Ring{nil, {}} {
		require.False(t, ring.SealedUnderFirst(after))
		require.Empty(t, ring.IDs())
	}
	require.Equal(t, []string{"new", "old"}, both.IDs())

	id, ok := keyring.KeyID(before)
	require.True(t, ok)
	require.Equal(t, "old", id)
	for end := range len("xold") {
		_, ok = keyring.KeyID(before[:end])
		require.False(t, ok)
		require.False(t, older.SealedUnderFirst(before[:end]))
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	good := spec("main", 7)
	material := strings.TrimPrefix(good, "main:")

	for name, text := range map[string]string{
		"nothing":            "",
		"a bare key":         material,
		"an id alone":        "main:",
		"a short key":        "main:" + material[:40],
		"a key in hex":       "main:" + strings.Repeat("0f", 32),
		"an odd id":          "ma in:" + material,
		"an id twice":        good + "," + good,
		"a comma at the end": good + ",",
		"key and id swapped": material + ":main",
		"an id too long":     strings.Repeat("m", 65) + ":" + material,
	} {
		t.Run("refuses "+name+" without repeating it", func(t *testing.T) {
			t.Parallel()
			_, err := keyring.Parse(text)
			require.ErrorContains(t, err, "keyring: key ")
			require.NotContains(t, err.Error(), material[:8])
		})
	}

	t.Run("allows white space around entries", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "keyring(main:redacted,b:redacted)", parse(t, " "+good+"\n", spec("b", 1)).String())
	})
}

func TestRingShowsNoKey(t *testing.T) {
	t.Parallel()
	ring := parse(t, spec("main", 'K'))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("ring", "pointer", ring, "value", *ring)
	shown := log.String() + fmt.Sprintf("%v %+v %#v %s %v %#v", ring, ring, ring, ring, *ring, *ring)
	for _, material := range []string{"KKKK", "S0tL", "4b4b", "75 75", "0x4b"} {
		require.NotContains(t, shown, material)
	}
	require.Equal(t, 8, strings.Count(shown, "keyring(main:redacted)"))
}

func TestNewMakesAnotherKeyEachTime(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, keyring.New(), keyring.New())
}
