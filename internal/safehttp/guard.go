package safehttp

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// AllowSetting is the setting that opens networks; a refusal names it.
const AllowSetting = "POSTHASTE_ALLOW_NETWORKS"

// blockedError is a refusal to dial an address.
type blockedError struct{ address string }

func (e *blockedError) Error() string {
	return fmt.Sprintf("the address %s is not public; name its network in %s to allow it", e.address, AllowSetting)
}

// guard returns the check that runs on each resolved address just before it is dialled, so that a name which resolves
// to another address the second time gains nothing.
func guard(allow []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	var v4, v6 []netip.Prefix
	for _, prefix := range allow {
		if prefix.Addr().Is4() {
			v4 = append(v4, prefix)
		} else {
			v6 = append(v6, prefix)
		}
	}
	guardian := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return func(network, address string, conn syscall.RawConn) error {
		err := guardian.Safe(network, address, conn)
		if errors.Is(err, ssrf.ErrProhibitedIP) {
			return &blockedError{address: address}
		}
		return err
	}
}
