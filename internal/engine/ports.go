package engine

import (
	"fmt"
	"net"
	"strconv"

	"go.temporal.io/server/common/primitives"
)

// loopback is the address of the services that only talk to one another.
var loopback = net.IPv4(127, 0, 0, 1)

// ListenError says that the frontend or the UI cannot listen at its address, mostly
// because another program does.
type ListenError struct {
	Option string // the field of [Options] the address came from: "Listen" or "UIListen"
	Addr   string // the address as given
	Err    error  // the cause, for example syscall.EADDRINUSE
}

// Error reads "listen 127.0.0.1:7233: address already in use".
func (e *ListenError) Error() string { return fmt.Sprintf("listen %s: %v", e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// listen opens a TCP listener for one of the options.
func listen(option, addr string) (*net.TCPListener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &ListenError{Option: option, Addr: addr, Err: rootCause(err)}
	}
	return l.(*net.TCPListener), nil
}

// rootCause strips the layers that would each repeat the address or the call.
func rootCause(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err
		}
		err = inner.Unwrap()
	}
}

// ports holds the addresses of the services.
type ports struct {
	frontend *net.TCPAddr
	internal map[primitives.ServiceName]int // on loopback
}

// reservePorts finds out whether the frontend's address is free and picks free
// ports for the others. Temporal insists on opening the listeners itself, so
// the ports are closed again; it would end the process where we return an error.
func reservePorts(frontend string) (*ports, error) {
	l, err := listen("Listen", frontend)
	if err != nil {
		return nil, err
	}
	defer keepFree(l)
	p := &ports{frontend: l.Addr().(*net.TCPAddr), internal: map[primitives.ServiceName]int{}}
	for _, service := range []primitives.ServiceName{
		primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	} {
		// All stay open until the last is chosen, or two could be the same.
		l, err := listen("Listen", net.JoinHostPort(loopback.String(), "0"))
		if err != nil {
			return nil, err
		}
		defer keepFree(l)
		p.internal[service] = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// keepFree closes a listener so that the kernel will not give its port to anyone
// who asks for any free one. A connection that the listening side closes first
// leaves the port in TIME_WAIT for a minute: too busy to be picked at random, yet
// open to a listener that names it, as Go's listeners reuse such addresses.
func keepFree(l *net.TCPListener) {
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", dialable(l.Addr().(*net.TCPAddr)))
	if err != nil {
		return // the port is merely a little less safe
	}
	defer func() { _ = client.Close() }()
	if server, err := l.Accept(); err == nil {
		_ = server.Close()
	}
}

// frontendAddress returns the frontend's address for clients on this machine.
func (p *ports) frontendAddress() string { return dialable(p.frontend) }

// dialable turns "all interfaces" into an address to which a client can connect.
func dialable(a *net.TCPAddr) string {
	ip := a.IP
	if ip.IsUnspecified() {
		ip = loopback
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(a.Port))
}
