package webhook

import (
	"net/http"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook/internal/require"
)

// FuzzParseSignatures checks the bounds that keep a hostile header cheap, and
// that nothing comes out that was not an entry of the header, for a scheme
// that puts all signatures on one line and the time elsewhere.
func FuzzParseSignatures(f *testing.F) {
	f.Add("v1,46I5x0QjHMK2kri52Cu2Cfoizj87M6YAbNdelr96HQE= v1a,hnO3f9T8 v2,x", "v1,eHh4")
	f.Add(strings.Repeat("v1,eA== ", 40), "")
	f.Add("v1,"+strings.Repeat("x", 200)+" ,, , v1", "v1,")
	f.Add("", "")

	f.Fuzz(func(t *testing.T, first, second string) { checkParsed(t, Standard, first, second) })
}

// FuzzParseStripeSignature does so for a scheme whose time is among them.
func FuzzParseStripeSignature(f *testing.F) {
	const signature = "v1=7521cab305c05ee9d7cb9e5c488a9acaf120402918037200ab580ae14b06253c"
	f.Add("t=1732233600,"+signature, "")
	f.Add("t=1732233600,"+signature+",v0=6ffbb59b", "t=1,"+signature)
	f.Add(signature+",t=01,t=", ",,t,v1,=")
	f.Add(strings.Repeat("v1=00,", 40)+"t=1", "")

	f.Fuzz(func(t *testing.T, first, second string) {
		s := checkParsed(t, Stripe, first, second)
		entries, _ := s.readEntries(http.Header{"Stripe-Signature": {first, second}})
		if text, err := s.readTimestamp(nil, entries); err == nil {
			require.Contains(t, entries, "t="+text)
			require.Len(t, withPrefix(entries, "t="), 1)
		} else {
			require.ErrorIs(t, err, ErrBadTimestamp)
		}
	})
}

func checkParsed(t *testing.T, p Profile, lines ...string) *scheme {
	t.Helper()
	s, err := p.scheme()
	require.NoError(t, err)
	entries, err := s.readEntries(http.Header{http.CanonicalHeaderKey(s.header): lines})
	if err != nil {
		require.ErrorIs(t, err, ErrMissingHeader)
		require.Empty(t, strings.Join(lines, ""))
	}
	require.True(t, len(entries) <= maxEntries, "%d entries", len(entries))
	all := strings.Split(strings.Join(lines, s.between), s.between)
	for _, signature := range s.parseSignatures(entries) {
		entry := s.label + s.encoding.encode(signature)
		require.True(t, len(entry) <= maxEntryBytes, "%d bytes", len(entry))
		require.Contains(t, all, entry)
	}
	return s
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
