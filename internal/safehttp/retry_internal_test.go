package safehttp

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// dyingConn lives for one request and then takes no byte more, without telling its reader: what a kept connection is
// between the receiver's end of it and our knowing.
type dyingConn struct {
	net.Conn
	dead   atomic.Bool
	accept int // bytes it still takes when dead
}

func (c *dyingConn) Write(p []byte) (int, error) {
	if !c.dead.Load() {
		return c.Conn.Write(p)
	}
	return min(c.accept, len(p)), syscall.EPIPE
}

// pipes serves each dialled connection from memory and answers every request.
type pipes struct {
	mu     sync.Mutex
	conns  []*dyingConn
	accept int
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		for from := bufio.NewReader(theirs); ; {
			request, err := http.ReadRequest(from)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, &dyingConn{Conn: ours, accept: p.accept})
	return &meteredConn{Conn: p.conns[len(p.conns)-1]}, nil
}

// sendTwice makes a request, lets its connection die and makes another.
func sendTwice(t *testing.T, p *pipes) models.Exchange {
	t.Helper()
	c := New(Options{})
	t.Cleanup(func() {
		c.Close()
		for _, conn := range p.conns {
			_ = conn.Close()
		}
	})
	c.transports.shared.DialContext = p.dial
	r := Request{URL: "http://receiver.test/", Body: []byte(`{"a":1}`), Timeout: 5 * time.Second}
	first, err := c.Send(t.Context(), r)
	require.NoError(t, err)
	require.Empty(t, first.Error)
	require.Len(t, p.conns, 1)
	p.conns[0].dead.Store(true)
	second, err := c.Send(t.Context(), r)
	require.NoError(t, err)
	return second
}

func TestSecondTryOnAKeptConnection(t *testing.T) {
	t.Parallel()

	t.Run("that takes nothing", func(t *testing.T) {
		t.Parallel()
		p := &pipes{}
		x := sendTwice(t, p)
		require.Empty(t, x.Error)
		require.Equal(t, http.StatusOK, x.Status)
		require.Len(t, p.conns, 2)
	})

	t.Run("but not when it took a single byte", func(t *testing.T) {
		t.Parallel()
		p := &pipes{accept: 1}
		x := sendTwice(t, p)
		require.Equal(t, models.ErrorConnect, x.ErrorClass)
		require.NotContains(t, x.Error, "twice")
		require.Len(t, p.conns, 1)
	})
}

func TestWorthAnother(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		reused bool
		want   bool
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, true},
		{syscall.EHOSTUNREACH, true, false},
		{io.EOF, false, true},
		{io.ErrUnexpectedEOF, false, true},
		{http.ErrServerClosed, true, true},
		{http.ErrServerClosed, false, false},
		{context.DeadlineExceeded, true, false},
		{&blockedError{}, true, false},
	} {
		require.Equal(t, tt.want, worthAnother(tt.err, tt.reused), "%v, %t", tt.err, tt.reused)
	}
}

func TestOurOwnFailuresAreErrors(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		c := New(Options{})
		t.Cleanup(c.Close)
		c.transports.shared.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errno}
		}
		_, err := c.Send(t.Context(), Request{URL: "http://receiver.test/", Timeout: time.Second})
		require.ErrorIs(t, err, errno)
	}
}
