package safehttp_test

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

func guard(t *testing.T, entries ...string) *safehttp.Guard {
	t.Helper()
	return safehttp.NewGuard(allow(t, entries...), nil)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for what, addrs := range map[string][]string{
		"loopback":           {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"},
		"private":            {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"},
		"link-local":         {"169.254.1.1", "fe80::1", "fe80::1%eth0", "febf::1"},
		"metadata":           {"169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"},
		"carrier NAT":        {"100.64.0.1", "100.127.255.255"},
		"multicast":          {"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"},
		"this network":       {"0.0.0.0", "0.1.2.3", "::"},
		"broadcast":          {"255.255.255.255", "240.0.0.1"},
		"documentation":      {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"benchmarks":         {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		"unique local":       {"fc00::1", "fdff:ffff::1"},
		"site-local":         {"fec0::1"},
		"IPv4-mapped":        {"::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:0"},
		"IPv4-compatible":    {"::10.0.0.1", "::8.8.8.8"},
		"IPv4-translated":    {"::ffff:0:10.0.0.1"},
		"NAT64":              {"64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", "64:ff9b:1:a00:0:100::"},
		"6to4":               {"2002:a00:1::1", "2002:7f00:1::", "2002:808:808::1"},
		"Teredo":             {"2001::1", "2001:0:7f00:1::1"},
		"ORCHID":             {"2001:20::1", "2001:10::1"},
		"discard":            {"100::1"},
		"segment routing":    {"5f00::1"},
		"unassigned":         {"4000::1", "8000::1"},
		"with a zone":        {"2606:4700::1111%eth0", "::1%lo"},
		"relays and sinks":   {"192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1"},
		"IETF's assignments": {"192.0.0.1", "192.0.0.170"},
	} {
		for _, addr := range addrs {
			err := g.Judge(netip.MustParseAddr(addr))
			require.Error(t, err, "%s: %s", what, addr)
			require.Contains(t, err.Error(), netip.MustParseAddr(addr).String())
			require.Contains(t, err.Error(), safehttp.AllowSetting)
		}
	}
	require.Error(t, g.Judge(netip.Addr{}))
	for _, addr := range []string{
		"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "169.253.0.1", "192.167.1.1",
		"::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::1", "2400:cb00::1",
	} {
		require.NoError(t, g.Judge(netip.MustParseAddr(addr)), addr)
	}
}

func TestJudgeKnowsItsOwnAddresses(t *testing.T) {
	t.Parallel()
	addrs, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, addr := range addrs {
		own := netip.MustParsePrefix(addr.String()).Addr()
		require.Error(t, guard(t).Judge(own))
		require.NoError(t, guard(t, own.String()).Judge(own))
	}
}

func TestJudgeByTheAllowList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		allow, addr string
		open        bool
	}{
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.0.0.1/8", "10.1.2.3", true},
		{"10.1.2.3", "10.1.2.3", true},
		{"10.1.2.3", "10.1.2.4", false},
		{"::ffff:10.0.0.0/104", "10.1.2.3", true},
		{"10.0.0.0/8", "11.0.0.0", true}, // public
		{"10.0.0.0/8", "192.168.0.1", false},
		{"10.0.0.0/8", "64:ff9b::10.0.0.1", false},
		{"::1", "::1", true},
		{"::1", "127.0.0.1", false},
		{"fd00::/8", "fd00::1", true},
		{"fd00::/8", "fe80::1", false},
		{"fe80::/10", "fe80::1%eth0", true},
		{"64:ff9b::/96", "64:ff9b::8.8.8.8", true},
		{"64:ff9b::/96", "64:ff9b::10.0.0.1", false},
		{"64:ff9b::/96 10.0.0.0/8", "64:ff9b::10.0.0.1", true},
		{"2002::/16", "2002:a00:1::1", false},
		{"::/0", "::1", true},
		{"::/0", "::10.0.0.1", false},
		{"::/0", "10.0.0.1", false},
		{"0.0.0.0/0", "169.254.169.254", true},
		{"*.example.com", "10.0.0.1", false},
	} {
		err := guard(t, fields(tt.allow)...).Judge(netip.MustParseAddr(tt.addr))
		require.Equal(t, tt.open, err == nil, "%s with %s: %v", tt.addr, tt.allow, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()

	t.Run("judges literal addresses in every spelling", func(t *testing.T) {
		t.Parallel()
		for _, url := range []string{
			"http://127.0.0.1/", "http://127.0.0.1:8080/", "https://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[::ffff:a00:1]:80/",
			"http://[fe80::1%25eth0]/", "http://2130706433/", "http://0x7f.1/", "http://0x7f000001/", "http://017700000001/",
			"http://127.1/", "http://127.0.0.1./", "http://0177.0.0.1/", "http://127.0.0.0x1/", "http://0X7F.0.0.0X1/",
			"http://0/", "http://0x/", "http://256.256.256.256/", "http://a.b.1/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/",
			"http://localhost/", "http://LOCALHOST./", "http://a.localhost:3000/", "http://169.254.169.254/latest/meta-data/",
		} {
			err := guard(t).Check(t.Context(), url)
			require.Error(t, err, url)
			require.Equal(t, models.CodeInvalid, models.ErrorCode(err), url)
			require.Contains(t, err.Error(), safehttp.AllowSetting, url)
		}
		require.NoError(t, guard(t).Check(t.Context(), "https://1.1.1.1/hook?token=t"))
		require.Error(t, guard(t).Check(t.Context(), "::"))
		require.Error(t, guard(t).Check(t.Context(), "https:///hook"))
	})

	t.Run("judges each address of a name", func(t *testing.T) {
		t.Parallel()
		check := func(addrs ...string) error {
			return safehttp.NewGuard(safehttp.Allow{}, resolver(t, always(addrs...))).Check(t.Context(), "https://hooks.example.test/")
		}
		require.NoError(t, check("93.184.216.34"))
		require.NoError(t, check("10.0.0.1", "93.184.216.34")) // the first is never dialled
		err := check("10.0.0.1", "192.168.0.1")
		require.ErrorContains(t, err, "of host hooks.example.test is not public")
		require.ErrorContains(t, err, safehttp.AllowSetting)
	})

	t.Run("takes a name that does not resolve yet", func(t *testing.T) {
		t.Parallel()
		g := safehttp.NewGuard(safehttp.Allow{}, resolver(t, always([]string{}...)))
		require.NoError(t, g.Check(t.Context(), "https://hooks.example.test/"))
	})

	t.Run("takes a listed name wherever it leads", func(t *testing.T) {
		t.Parallel()
		g := safehttp.NewGuard(allow(t, "Hooks.Internal.Example", "*.wild.example"), resolver(t, always("10.0.0.1")))
		for _, host := range []string{"hooks.internal.example", "HOOKS.internal.example.", "a.wild.example", "a.b.wild.example"} {
			require.NoError(t, g.Check(t.Context(), "https://"+host+"/"), host)
		}
		for _, host := range []string{"a.hooks.internal.example", "wild.example", "notwild.example", "a.wild.example.org"} {
			require.Error(t, g.Check(t.Context(), "https://"+host+"/"), host)
		}
	})
}

func TestSendIsGuarded(t *testing.T) {
	t.Parallel()

	t.Run("against a name that changes its address after it was checked", func(t *testing.T) {
		t.Parallel()
		var visits atomic.Int32
		target := serve(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
		rebinding := resolver(t, func(n int) []string {
			if n == 1 {
				return []string{"93.184.216.34"}
			}
			return []string{"127.0.0.1"}
		})
		c := newClientWith(t, safehttp.Options{Resolver: rebinding})
		target = atHost(t, target, "rebind.example.test")
		require.NoError(t, c.Check(t.Context(), target))
		x := send(t, c, target, 5*time.Second)
		require.Equal(t, models.ErrorBlocked, x.ErrorClass, x.Error)
		require.Contains(t, x.Error, "127.0.0.1 of host rebind.example.test")
		require.Equal(t, c.Check(t.Context(), target).Error(), x.Error)
		require.Zero(t, visits.Load())
	})

	t.Run("with the addresses of a name that are left", func(t *testing.T) {
		t.Parallel()
		target := serve(t, func(http.ResponseWriter, *http.Request) {})
		c := newClientWith(t, safehttp.Options{
			Allow: allow(t, "127.0.0.1"), Resolver: resolver(t, always("127.0.0.9", "10.255.255.1", "127.0.0.1")),
		})
		require.Empty(t, send(t, c, atHost(t, target, "some.example.test"), 5*time.Second).Error)
	})

	t.Run("except for a name that is listed", func(t *testing.T) {
		t.Parallel()
		target := serve(t, func(http.ResponseWriter, *http.Request) {})
		c := newClientWith(t, safehttp.Options{
			Allow: allow(t, "hooks.internal.test"), Resolver: resolver(t, always("127.0.0.1")),
		})
		require.Empty(t, send(t, c, atHost(t, target, "hooks.internal.test"), 5*time.Second).Error)
		require.Equal(t, models.ErrorBlocked, send(t, c, atHost(t, target, "other.internal.test"), 5*time.Second).ErrorClass)
		require.Equal(t, models.ErrorBlocked, send(t, c, target, 5*time.Second).ErrorClass)
	})

	t.Run("in every spelling", func(t *testing.T) {
		t.Parallel()
		var visits atomic.Int32
		target := serve(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
		for _, host := range []string{
			"2130706433", "0x7f.1", "127.1", "017700000001", "localhost", "a.localhost", "127。0。0。1", "[::ffff:127.0.0.1]",
			"[::ffff:7f00:1]", "[::1%25lo]", "0.0.0.0", "[::]",
		} {
			x := send(t, strictClient(t), atHost(t, target, host), 5*time.Second)
			require.Equal(t, models.ErrorBlocked, x.ErrorClass, "%s: %s", host, x.Error)
		}
		require.Zero(t, visits.Load())
	})

	t.Run("whose own names lead to this machine", func(t *testing.T) {
		t.Parallel()
		target := serve(t, func(http.ResponseWriter, *http.Request) {})
		c := newClientWith(t, safehttp.Options{Allow: allow(t, "127.0.0.0/8")})
		require.Empty(t, send(t, c, atHost(t, target, "app.localhost"), 5*time.Second).Error)
	})
}

// atHost replaces the host of a URL and leaves the port.
func atHost(t *testing.T, raw, host string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Scheme + "://" + host + ":" + u.Port() + u.Path
}
