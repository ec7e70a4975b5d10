package safehttp_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
)

func fields(text string) []string { return strings.Fields(text) }

func TestParseAllow(t *testing.T) {
	t.Parallel()

	t.Run("reads networks, addresses and names", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, safehttp.Allow{
			Networks: []netip.Prefix{
				netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.1.1/32"), netip.MustParsePrefix("fd00::/8"),
				netip.MustParsePrefix("172.16.0.0/12"),
			},
			Hosts: []string{"hooks.internal.example", "*.internal.example", "db_1", "xn--bcher-kva.example"},
		}, allow(t, "10.1.2.3/8", " 192.168.1.1", "", "fd00::/8", "::ffff:172.16.0.0/108",
			"Hooks.Internal.Example.", "*.internal.example", "db_1", "bücher.example"))
	})

	t.Run("names what it does not understand and the setting", func(t *testing.T) {
		t.Parallel()
		for _, entry := range []string{
			"10.0.0.0/33", "10.0.0", "*", "*.", "a.*.b", "http://a.example", "a.example:80", "a b", "-a.example", "0x7f.1",
			"fe80::1%eth0", "[::1]", "*.10", strings.Repeat("a.", 130) + "example",
		} {
			_, err := safehttp.ParseAllow([]string{"10.0.0.0/8", entry})
			require.ErrorContains(t, err, safehttp.AllowSetting, entry)
			require.ErrorContains(t, err, entry)
		}
	})
}
