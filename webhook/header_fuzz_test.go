package webhook

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParseSignatures checks the bounds that keep a hostile header cheap, and
// that nothing comes out that was not an entry of the header.
func FuzzParseSignatures(f *testing.F) {
	f.Add("v1,46I5x0QjHMK2kri52Cu2Cfoizj87M6YAbNdelr96HQE= v1a,hnO3f9T8 v2,x")
	f.Add(strings.Repeat("v1,x ", 40))
	f.Add("v1," + strings.Repeat("x", 200) + " ,, , v1")
	f.Add("")

	f.Fuzz(func(t *testing.T, header string) {
		found := parseSignatures(header)
		require.LessOrEqual(t, len(found), maxSignatures)
		entries := strings.Split(header, " ")
		for _, s := range found {
			require.LessOrEqual(t, len(s.version)+1+len(s.value), maxSignatureBytes)
			require.NotContains(t, s.version, ",")
			require.Contains(t, entries, s.version+","+s.value)
		}
	})
}

// FuzzParseTimestamp checks that a time has one spelling only.
func FuzzParseTimestamp(f *testing.F) {
	for _, seed := range []string{"1732233600", "0", "-1", "-0", "+1", "01", "1e9", "1_0", "9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseTimestamp(text)
		if err != nil {
			require.ErrorIs(t, err, ErrBadTimestamp)
			return
		}
		require.Equal(t, text, unixText(at))
	})
}
