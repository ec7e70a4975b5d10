// Package localhost says which hosts are this machine. It is a package because the rule is a guard in several places and must
// be the same in all: where no key is asked for, the API and Temporal's Web UI answer only requests that name this machine,
// and listen on addresses of this machine only.
//
// It imports no other package of ours.
package localhost

import (
	"net"
	"net/netip"
	"strings"
)

// Is reports whether a host is this machine: localhost or a loopback address, with or without a port. No other name is, not
// even one that resolves to this machine now: whoever owns the name decides to what it resolves.
func Is(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && address.IsLoopback()
}
