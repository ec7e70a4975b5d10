package safehttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	keepAliveInterval = 30 * time.Second
	// headStart is how long an address is tried alone before the next one is tried beside it (RFC 8305 §5).
	headStart = 250 * time.Millisecond
	// maxAddresses bounds how many addresses one name makes us dial.
	maxAddresses = 8
)

// dialer opens connections to addresses the guard permits. It is safe for concurrent use.
type dialer struct {
	guard  *Guard
	proxy  string // host:port that is dialled without asking the guard; empty without a proxy
	limits Timeouts
}

// dial resolves and connects, each within its own limit. Its connections count the bytes written to them.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address == d.proxy {
		return d.dialProxy(ctx, network, address)
	}
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	addrs, err := d.look(ctx, host)
	if err != nil {
		return nil, err
	}
	control := d.guard.control
	if d.guard.allow.host(host) {
		control = nil
	}
	conn, err := d.race(ctx, addrs[:min(len(addrs), maxAddresses)], port, control)
	if err != nil {
		return nil, err
	}
	return &meteredConn{Conn: conn}, nil
}

// dialProxy reaches the proxy. That it cannot be reached is our fault, not the receiver's.
func (d *dialer) dialProxy(ctx context.Context, network, address string) (net.Conn, error) {
	plain := net.Dialer{Timeout: d.limits.Connect, KeepAlive: keepAliveInterval, Resolver: d.guard.resolver}
	conn, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, &ourError{fmt.Errorf("reach the proxy: %w", err)}
	}
	return &meteredConn{Conn: conn}, nil
}

func (d *dialer) look(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.DNS)
	defer cancel()
	return d.guard.permitted(ctx, host)
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("split the address: %w", err)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, errors.New("the port is not a number up to 65535")
	}
	return host, uint16(n), nil
}

type control = func(network, address string, _ syscall.RawConn) error

// dialled is the outcome of dialling one address.
type dialled struct {
	conn net.Conn
	err  error
}

// race dials the addresses in their order, each as soon as the one before failed or had its head start. The first to
// connect wins and ends the others; when none does, the first failure is the error.
func (d *dialer) race(ctx context.Context, addrs []netip.Addr, port uint16, judge control) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Connect)
	defer cancel()
	results, over := make(chan dialled), make(chan struct{})
	defer close(over)
	start := time.NewTimer(0)
	defer start.Stop()
	var failure error
	for next, pending := 0, 0; ; {
		select {
		case <-start.C:
			go dialOne(ctx, netip.AddrPortFrom(addrs[next], port), judge, results, over)
			if next, pending = next+1, pending+1; next < len(addrs) {
				start.Reset(headStart)
			}
		case r := <-results:
			if r.err == nil {
				return r.conn, nil
			}
			if failure == nil {
				failure = r.err
			}
			if pending--; next < len(addrs) {
				start.Reset(0)
			} else if pending == 0 {
				return nil, failure
			}
		}
	}
}

// dialOne hands over its result, or hangs up when the race is over.
func dialOne(ctx context.Context, target netip.AddrPort, judge control, results chan<- dialled, over <-chan struct{}) {
	one := net.Dialer{KeepAlive: keepAliveInterval, Control: judge}
	conn, err := one.DialContext(ctx, "tcp", target.String())
	select {
	case results <- dialled{conn, err}:
	case <-over:
		if err == nil {
			_ = conn.Close()
		}
	}
}

// answerGrace is how long an answer may still be read from a connection that takes no more bytes. What had arrived by
// then is there at once; the grace is for connections that do not notice their own end.
const answerGrace = time.Second

// meteredConn counts the bytes that may have left, and keeps the end of writing from getting ahead of an answer. A
// receiver may answer and close the connection without reading all of the request; the system then refuses to write
// while the answer is there to be read (RFC 9112 §9.6). net/http would take the first of the two that it sees. So a
// connection that broke takes bytes into the void, and its reader alone finds what there is: the answer, or the end.
type meteredConn struct {
	net.Conn
	written atomic.Int64
	broke   atomic.Pointer[error] // why nothing can be written any more; nil while it can
}

// Write counts before it writes and takes back what the system did not accept, so that a look from another goroutine
// never sees too little.
func (c *meteredConn) Write(p []byte) (int, error) {
	if c.broke.Load() != nil {
		return len(p), nil
	}
	c.written.Add(int64(len(p)))
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n - len(p)))
	if !isBroken(err) {
		return n, err
	}
	c.broke.Store(&err)
	return len(p), c.SetReadDeadline(time.Now().Add(answerGrace))
}

// Read gives the reason of the break when nothing came in the grace.
func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if cause := c.broke.Load(); cause != nil && err != nil && isTimeout(err) {
		err = *cause
	}
	return n, err
}

// meterOf finds the count below layers of TLS; nil when there is none.
func meterOf(conn net.Conn) *meteredConn {
	for {
		switch c := conn.(type) {
		case *meteredConn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}
