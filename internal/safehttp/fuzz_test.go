package safehttp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
)

// offline is a resolver that knows no name.
var offline = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("offline")
}}

// internal is what netip says about addresses, with nothing of the guard's own lists.
func internal(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()
}

// spellings are ways to write an IPv4 address into a URL's host.
func spellings(ip netip.Addr) []string {
	b := ip.As4()
	n := binary.BigEndian.Uint32(b[:])
	return []string{
		ip.String(), ip.String() + ".", fmt.Sprintf("[::ffff:%s]", ip), fmt.Sprintf("[::ffff:%x:%x]", n>>16, n&0xffff),
		fmt.Sprintf("[0:0:0:0:0:ffff:%s]", ip), fmt.Sprintf("[::%s]", ip), fmt.Sprintf("[64:ff9b::%s]", ip),
		fmt.Sprintf("[64:ff9b:1::%s]", ip), fmt.Sprintf("[2002:%x:%x::1]", n>>16, n&0xffff),
		fmt.Sprintf("[2001:0:%x:%x::1]", n>>16, n&0xffff), fmt.Sprint(n), fmt.Sprintf("0x%x", n), fmt.Sprintf("0X%X", n),
		fmt.Sprintf("0%o", n), fmt.Sprintf("%d.%d", b[0], n&0xffffff), fmt.Sprintf("0x%x.%d.0%o", b[0], b[1], n&0xffff),
		fmt.Sprintf("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]), fmt.Sprintf("%d.%d.%d.0x%x", b[0], b[1], b[2], b[3]),
	}
}

// FuzzGuardAddress judges every spelling of an IPv4 address.
func FuzzGuardAddress(f *testing.F) {
	for _, ip := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.255.255", "172.16.0.1", "224.0.0.1", "0.0.0.0", "8.8.8.8"} {
		b := netip.MustParseAddr(ip).As4()
		f.Add(binary.BigEndian.Uint32(b[:]))
	}
	g := safehttp.NewGuard(safehttp.Allow{}, offline)
	f.Fuzz(func(t *testing.T, n uint32) {
		ip := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
		if !internal(ip) {
			return
		}
		for _, host := range spellings(ip) {
			require.Error(t, g.Check(t.Context(), "http://"+host+":8080/"), host)
		}
	})
}

// FuzzGuardHost judges whatever stands in a URL: what passes is a name, or an address that netip has nothing against.
func FuzzGuardHost(f *testing.F) {
	for _, host := range []string{
		"127.0.0.1", "[::1]", "[::ffff:7f00:1]", "[fe80::1%25lo]", "0x7f.1", "2130706433", "１２７.0.0.1", "127。0。0。1", "localhost",
		"LOCALHOST.", "a.localhost", "8.8.8.8", "[2606:4700::1111]", "example.com", "1.2.3", "[::]", "[ff02::1]", "a..b", "%31%32%37.1",
		"127.0.0.1%00", "[::ffff:0:10.0.0.1]", "0", "[fd00:ec2::254]:80", "①.1.1.1", "1.1.1.1..",
	} {
		f.Add(host)
	}
	g := safehttp.NewGuard(safehttp.Allow{}, offline)
	f.Fuzz(func(t *testing.T, host string) {
		target := "http://" + host + "/"
		if g.Check(t.Context(), target) != nil {
			return
		}
		u, err := url.Parse(target)
		require.NoError(t, err)
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
			require.False(t, internal(ip), host)
			require.Empty(t, ip.Zone())
		}
		_, err = http.NewRequest(http.MethodPost, target, http.NoBody)
		require.NoError(t, err)
	})
}

// FuzzParseAllow reads whatever stands in the setting.
func FuzzParseAllow(f *testing.F) {
	for _, entry := range []string{"10.0.0.0/8", "::ffff:10.0.0.0/104", "*.a.example", "a", "*", "1.2", "::1", "fe80::1%eth0", "10.0.0.0/-1", "é"} {
		f.Add(entry, "10.0.0.1")
	}
	f.Fuzz(func(t *testing.T, entry, addr string) {
		allowed, err := safehttp.ParseAllow([]string{entry})
		ip, badAddr := netip.ParseAddr(addr)
		if err != nil || badAddr != nil || !internal(ip) {
			return
		}
		if safehttp.NewGuard(allowed, offline).Judge(ip) == nil {
			require.NotEmpty(t, allowed.Networks, "%s opens %s", entry, addr)
		}
	})
}
