package store

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// LimitPages bounds the file of a SQLite store, as its disk would.
func LimitPages(t *testing.T, s *Store, pages int) {
	t.Helper()
	require.NoError(t, s.write.Exec("PRAGMA max_page_count = "+strconv.Itoa(pages)).Error)
}
