package safehttp

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// AllowSetting is the setting that opens networks and hosts; a refusal names it.
const AllowSetting = "POSTHASTE_ALLOW_NETWORKS"

// Allow lists networks and hosts that may be called although they are not public. The zero value lists none. Make an Allow
// with ParseAllow: the methods rely on its spelling.
type Allow struct {
	Networks []netip.Prefix // an IPv4 network admits the IPv4-mapped form of its addresses too
	Hosts    []string       // in lower case; *.example.com means every name below example.com, not itself
}

// hostForm is a name as RFC 1123 §2.1 has it, with _ for the names that exist all the same.
var hostForm = regexp.MustCompile(`^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// ParseAllow reads networks (10.0.0.0/8), addresses (10.1.2.3) and host names (hooks.internal.example,
// *.internal.example), one an entry; empty entries do not count. A host that is named may resolve to any address. The
// error names the entry and the setting.
func ParseAllow(entries []string) (Allow, error) {
	var allow Allow
	for _, entry := range entries {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		if err := allow.add(entry); err != nil {
			return Allow{}, fmt.Errorf("%s: %q %w", AllowSetting, entry, err)
		}
	}
	return allow, nil
}

func (a *Allow) add(entry string) error {
	if network, ok := parseNetwork(entry); ok {
		a.Networks = append(a.Networks, network)
		return nil
	}
	host := canonicalHost(entry)
	if !hostForm.MatchString(host) || endsInNumber(host) || len(host) > 253 {
		return fmt.Errorf("is neither a network such as 10.0.0.0/8 nor a host such as hooks.example or *.hooks.example")
	}
	a.Hosts = append(a.Hosts, host)
	return nil
}

// parseNetwork takes a prefix or an address and turns IPv4-mapped ones into the IPv4 networks that they mean.
func parseNetwork(entry string) (netip.Prefix, bool) {
	network, err := netip.ParsePrefix(entry)
	if err != nil {
		ip, err := netip.ParseAddr(entry)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, false
		}
		network = netip.PrefixFrom(ip, ip.BitLen())
	}
	const mapped = 96 // bits of ::ffff:0:0/96
	if network.Addr().Is4In6() && network.Bits() >= mapped {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-mapped)
	}
	return network.Masked(), true
}

// network reports whether a listed network holds ip, which must be unmapped and without zone.
func (a *Allow) network(ip netip.Addr) bool {
	for _, network := range a.Networks {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// host reports whether the name is listed, or one above it with a star.
func (a *Allow) host(name string) bool {
	name = canonicalHost(name)
	for _, host := range a.Hosts {
		if parent, ok := strings.CutPrefix(host, "*"); ok && strings.HasSuffix(name, parent) || host == name {
			return true
		}
	}
	return false
}

// canonicalHost makes spellings of one name equal: case, the dot at the end, and letters beyond ASCII, in the way
// net/http does it before it dials.
func canonicalHost(host string) string {
	if ascii, err := idna.Lookup.ToASCII(host); err == nil && strings.ContainsFunc(host, beyondASCII) {
		host = ascii
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

func beyondASCII(r rune) bool { return r > unicode.MaxASCII }

// endsInNumber reports whether the last part of a host is a number, as in 2130706433, 0x7f.1 or 127.1. No top level
// domain is one, so such a host is an IPv4 address or nothing; which address depends on who reads it
// (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(last, "0x")
	_, err := strconv.ParseUint(hex, 16, 64)
	return ok && (err == nil || hex == "" || strings.Trim(hex, "0123456789abcdef") == "")
}

// isLocalhost reports whether RFC 6761 §6.3 gives the name to this machine.
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
