package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"
)

// needle is something to be looked for, in every form that it may have taken on its way.
type needle struct {
	name  string
	forms [][]byte
}

func newNeedle[T string | []byte](name string, value T) needle {
	plain := []byte(value)
	inHex := hex.EncodeToString(plain)
	forms := [][]byte{plain, []byte(inHex), []byte(strings.ToUpper(inHex))}
	for offset := range 3 {
		form := base64At(plain, offset)
		forms = append(forms, form, urlSafe(form))
	}
	return needle{name: name, forms: forms}
}

// base64At is what of the base64 of a longer text depends on plain alone, when plain starts in it at the offset modulo 3.
func base64At(plain []byte, offset int) []byte {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), plain...))
	begin, end := (offset*8+5)/6, (offset+len(plain))*8/6
	return []byte(encoded[begin:end])
}

func urlSafe(form []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(form, []byte("+"), []byte("-")), []byte("/"), []byte("_"))
}

func (n needle) in(haystack []byte) bool {
	return slices.ContainsFunc(n.forms, func(form []byte) bool { return bytes.Contains(haystack, form) })
}

// haystack is one place where things may or may not be.
type haystack struct {
	name string
	text []byte
}

// requireIn makes sure that the search finds what is there: without it, finding nothing would mean nothing.
func (h haystack) requireIn(t *testing.T, needles ...needle) {
	t.Helper()
	for _, n := range needles {
		require.True(t, n.in(h.text), "%s is not in %s (%d bytes), so the search is blind", n.name, h.name, len(h.text))
	}
}

func (h haystack) requireNotIn(t *testing.T, needles ...needle) {
	t.Helper()
	require.NotEmpty(t, needles)
	for _, n := range needles {
		require.False(t, n.in(h.text), "%s is in %s", n.name, h.name)
	}
}

// readState reads the raw bytes of all files in a data folder: those of Temporal, and those of the store. SQLite may break
// a value at the end of a page, so what is looked for must be there, or could be there, more than once.
func readState(t *testing.T, folder string) (temporal, store haystack) {
	t.Helper()
	temporal.name, store.name = "Temporal's files", "the files of the store"
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		switch name := entry.Name(); {
		case strings.HasPrefix(name, "temporal."):
			temporal.text = append(temporal.text, text...)
		case strings.HasPrefix(name, "posthaste.db"):
			store.text = append(store.text, text...)
		default:
			require.Equal(t, "master.key", name, "a file that this test does not know")
		}
	}
	return temporal, store
}

// anyTable selects every table.
func anyTable(string) bool { return true }

// dumpDatabases prints every row of the selected tables of the server's databases as text: bytes become hex.
func dumpDatabases(t *testing.T, serverURL string, selected func(table string) bool, names ...string) (dump haystack) {
	t.Helper()
	dump.name = "the databases " + strings.Join(names, ", ")
	for _, name := range names {
		address, err := url.Parse(serverURL)
		require.NoError(t, err)
		address.Path = "/" + name
		db, err := sql.Open("pgx", address.String())
		require.NoError(t, err)
		for _, table := range texts(t, db, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'") {
			if !selected(table) {
				continue
			}
			for _, row := range texts(t, db, fmt.Sprintf("SELECT t::text FROM %s t", table)) {
				dump.text = append(dump.text, row...)
			}
		}
		require.NoError(t, db.Close())
	}
	return dump
}

// texts reads the only column of a query.
func texts(t *testing.T, db *sql.DB, query string) (values []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var value string
		require.NoError(t, rows.Scan(&value))
		values = append(values, value)
	}
	require.NoError(t, rows.Err())
	return values
}

func TestLeakScanFindsEveryForm(t *testing.T) {
	t.Parallel()
	value := make([]byte, 32)
	_, _ = rand.Read(value) // never fails
	n := newNeedle("a secret", value)
	for _, before := range []string{"", "x", "xy", "xyz"} {
		text := append([]byte(before), value...)
		text = append(text, "tail"...)
		for form, encoded := range map[string]string{
			"plain": string(text), "hex": hex.EncodeToString(text), "HEX": fmt.Sprintf("%X", text),
			"base64":     base64.StdEncoding.EncodeToString(text),
			"base64 URL": base64.RawURLEncoding.EncodeToString(text),
		} {
			require.True(t, n.in([]byte("before"+encoded+"after")), "%s after %q", form, before)
		}
	}
	require.False(t, n.in(bytes.Repeat([]byte("anything else "), 100)))
}
