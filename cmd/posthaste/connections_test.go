package main

import (
	"bufio"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConnectionsAreCapped(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := newServer(http.NotFoundHandler(), quiet)
	require.Positive(t, server.ReadHeaderTimeout)
	require.Positive(t, server.IdleTimeout)
	require.Positive(t, server.MaxHeaderBytes)
	go func() { _ = server.Serve(capped(listener, 2)) }()
	t.Cleanup(func() { require.NoError(t, server.Close()) })

	var idle []net.Conn
	for range 2 {
		idle = append(idle, dial(t, listener))
		require.NoError(t, ask(idle[len(idle)-1], time.Minute))
	}
	third := dial(t, listener)
	require.Error(t, ask(third, 200*time.Millisecond), "two are open, though nobody asks anything on them")
	require.NoError(t, idle[0].Close())
	require.NoError(t, read(third, time.Minute), "its turn has come")
}

func dial(t *testing.T, listener net.Listener) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask makes a request and reads its answer, which must come within that time.
func ask(conn net.Conn, within time.Duration) error {
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		return err
	}
	return read(conn, within)
}

func read(conn net.Conn, within time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
