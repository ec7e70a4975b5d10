package safehttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/posthaste/posthaste/models"
)

// checkTimeout is how long Check waits for a name to resolve.
const checkTimeout = 2 * time.Second

// Guard judges destinations. It knows no state but its settings and is safe for concurrent use.
type Guard struct {
	allow    Allow
	public   *ssrf.Guardian // the ranges that IANA lists as public
	own      map[netip.Addr]bool
	resolver *net.Resolver
}

// NewGuard makes a Guard. A nil resolver is the system's. The addresses of this machine are read now, once.
func NewGuard(allow Allow, resolver *net.Resolver) *Guard {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	return &Guard{
		allow: allow, resolver: resolver, own: ownAddresses(),
		public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork(), ssrf.WithDeniedV4Prefixes(extraDenied...)),
	}
}

// extraDenied is public by its number and private by its use: the platform service of Azure, which hands out
// credentials of the machine that asks (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
var extraDenied = []netip.Prefix{netip.MustParsePrefix("168.63.129.16/32")}

// ownAddresses lists the addresses of this machine's interfaces: a call to one does not pass the firewall in front of
// it. None are listed where the system does not tell.
func ownAddresses() map[netip.Addr]bool {
	own := map[netip.Addr]bool{}
	addrs, _ := net.InterfaceAddrs() // without them the ranges are still judged
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			own[prefix.Addr().Unmap().WithZone("")] = true
		}
	}
	return own
}

// blockedError is a refusal to call an address.
type blockedError struct {
	ip   netip.Addr // invalid when no address could be read from host
	host string     // the name that resolved to ip, empty for a literal address
	own  bool       // ip is this machine's
}

func (e *blockedError) Error() string {
	if !e.ip.IsValid() {
		return fmt.Sprintf("the host %s is not an IP address in the usual form, such as 192.0.2.1, and not a name; names may be listed in %s", e.host, AllowSetting)
	}
	subject, remedy := e.ip.String(), "name its network"
	if e.host != "" {
		subject, remedy = fmt.Sprintf("%s of host %s", e.ip, e.host), "name its network or the host"
	}
	fault := "is not public"
	if e.own {
		fault = "belongs to the machine that sends"
	}
	return fmt.Sprintf("the address %s %s; %s in %s to allow it", subject, fault, remedy, AllowSetting)
}

// of names the host that resolved to ip, unless it is ip itself.
func (e *blockedError) of(host string, ip netip.Addr) *blockedError {
	if host != ip.String() {
		e.host = host
	}
	return e
}

// Judge says whether an address may be called, in whatever way it is spelled: nil, or an error that names the address
// and the setting.
func (g *Guard) Judge(ip netip.Addr) error {
	if refusal := g.judge(ip); refusal != nil {
		return refusal
	}
	return nil
}

func (g *Guard) judge(ip netip.Addr) *blockedError {
	bare := ip.Unmap().WithZone("")
	switch {
	case g.allow.network(bare):
		if inner, ok := embedded(bare); ok && g.judge(inner) != nil {
			return &blockedError{ip: ip}
		}
		return nil
	case g.own[bare]:
		return &blockedError{ip: ip, own: true}
	case ip.Zone() != "" || !bare.IsGlobalUnicast() || bare.IsPrivate() || g.public.SafeAddr(bare) != nil:
		return &blockedError{ip: ip}
	}
	return nil
}

var (
	compatible = netip.MustParsePrefix("::/96")
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

// embedded returns the IPv4 address that traffic to ip ends up at: IPv4-compatible (RFC 4291 §2.5.5.1), NAT64
// (RFC 6052 §2.1) and 6to4 (RFC 3056 §2). Who lists such a network has not listed what hides in it. The local NAT64
// prefix 64:ff9b:1::/48 (RFC 8215) is not here: where its inner address stands is up to the network.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	raw := ip.As16()
	switch {
	case nat64.Contains(ip), compatible.Contains(ip) && !ip.IsLoopback() && !ip.IsUnspecified():
		return netip.AddrFrom4([4]byte(raw[12:])), true
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(raw[2:6])), true
	}
	return netip.Addr{}, false
}

// control is the last word: it runs on the very address that is about to be dialled.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("judge the address: %w", err)
	}
	return g.Judge(target.Addr())
}

// Check judges a URL by the rules of dialling, for the moment when somebody saves it: literal addresses, and names by their
// present addresses. A name that does not resolve within two seconds is no error, since its record may still be on its way;
// later addresses are judged when they are dialled. The error is a CodeInvalid *models.Error with the words of an attempt
// and without a field, which the caller knows.
func (g *Guard) Check(ctx context.Context, raw string) error {
	target, err := url.Parse(raw)
	if err != nil || target.Hostname() == "" {
		return models.Errorf(models.CodeInvalid, "is not a URL with a host")
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_, err = g.permitted(ctx, target.Hostname())
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		return models.Errorf(models.CodeInvalid, "%s", blocked)
	}
	return nil
}

// permitted resolves a host to the addresses that may be dialled. Each one is judged; those refused are left out, and
// the error is about the first of them when none is left.
func (g *Guard) permitted(ctx context.Context, host string) ([]netip.Addr, error) {
	all, err := g.resolve(ctx, host)
	if err != nil || g.allow.host(host) {
		return all, err
	}
	var open []netip.Addr
	for _, ip := range all {
		refusal := g.judge(ip)
		if refusal == nil {
			open = append(open, ip)
		} else if err == nil {
			err = refusal.of(host, ip)
		}
	}
	if len(open) > 0 {
		return open, nil
	}
	return nil, err
}

// resolve asks nobody about addresses and the names of this machine.
func (g *Guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	name := canonicalHost(host)
	if ip, err := netip.ParseAddr(name); err == nil { // digits beyond ASCII
		return []netip.Addr{ip}, nil
	}
	if endsInNumber(name) {
		return nil, &blockedError{host: host}
	}
	if isLocalhost(name) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return addrs, err
}
