package safehttp

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestControlIsTheLastWord(t *testing.T) {
	t.Parallel()
	g := NewGuard(Allow{}, nil)
	for _, address := range []string{"127.0.0.1:80", "[::1]:443", "[fe80::1%lo]:80", "[::ffff:10.0.0.1]:80"} {
		require.True(t, isBlocked(g.control("tcp", address, nil)), address)
	}
	require.Error(t, g.control("tcp", "localhost:80", nil), "names have been resolved by then")
	require.NoError(t, g.control("tcp", "1.1.1.1:80", nil))
}

func TestJudgeRefusesThisMachine(t *testing.T) {
	t.Parallel()
	g := NewGuard(Allow{}, nil)
	ip := netip.MustParseAddr("8.8.4.4")
	require.NoError(t, g.Judge(ip))
	g.own[ip] = true
	require.ErrorContains(t, g.Judge(ip), "the address 8.8.4.4 belongs to the machine that sends")
	require.Error(t, g.Judge(netip.MustParseAddr("::ffff:8.8.4.4")))
}
