package safehttp_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

const emptyAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// readRequest takes one whole request from a connection.
func readRequest(from *bufio.Reader) error {
	request, err := http.ReadRequest(from)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err
}

// reset ends a connection the hard way.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func TestSecondTry(t *testing.T) {
	t.Parallel()

	t.Run("after a refused connection", func(t *testing.T) {
		t.Parallel()
		listener := listen(t)
		address := listener.Addr().String()
		require.NoError(t, listener.Close())
		var lookups atomic.Int32
		r := resolver(t, func(n int) []string {
			lookups.Store(int32(n))
			if n == 2 { // by now the receiver is up
				listener, err := net.Listen("tcp", address)
				if err == nil {
					accept(t, listener, func(_ int, conn net.Conn) {
						_ = readRequest(bufio.NewReader(conn))
						_, _ = io.WriteString(conn, emptyAnswer)
					})
				}
			}
			return []string{"127.0.0.1"}
		})
		c := newClientWith(t, safehttp.Options{Allow: loopback, Resolver: r})
		x := send(t, c, atHost(t, "http://"+address, "up.example.test"), 5*time.Second)
		require.Empty(t, x.Error)
		require.EqualValues(t, 2, lookups.Load())
	})

	t.Run("is the last one, and counted in the words", func(t *testing.T) {
		t.Parallel()
		listener := listen(t)
		url := "http://" + listener.Addr().String()
		require.NoError(t, listener.Close())
		x := send(t, newClient(t), url, 5*time.Second)
		require.Equal(t, models.ErrorConnect, x.ErrorClass)
		require.Equal(t, "no connection (connecting): connection refused; tried twice", x.Error)
	})

	t.Run("after a reset before the request", func(t *testing.T) {
		t.Parallel()
		ca := newAuthority(t)
		pair, _, _ := ca.issue(t, nil)
		listener := listen(t)
		accept(t, listener, func(n int, conn net.Conn) {
			if n == 1 {
				_, _ = conn.Read(make([]byte, 1)) // of the handshake
				reset(conn)
				return
			}
			secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
			_ = readRequest(bufio.NewReader(secure))
			_, _ = io.WriteString(secure, emptyAnswer)
		})
		x := sendRequest(t, newClient(t), safehttp.Request{
			URL: "https://" + listener.Addr().String(), Body: []byte("{}"), Timeout: 5 * time.Second, TLS: models.TLS{CA: ca.pem},
		})
		require.Empty(t, x.Error)
		require.Positive(t, x.Timing.TLS)
	})

	t.Run("never after something was written", func(t *testing.T) {
		t.Parallel()
		for what, end := range map[string]func(net.Conn, *bufio.Reader){
			"the first byte":      func(conn net.Conn, from *bufio.Reader) { _, _ = from.ReadByte(); reset(conn) },
			"the whole request":   func(conn net.Conn, from *bufio.Reader) { _ = readRequest(from); reset(conn) },
			"a request, politely": func(conn net.Conn, from *bufio.Reader) { _ = readRequest(from); _ = conn.Close() },
		} {
			var conns atomic.Int32
			url := raw(t, func(_ int, conn net.Conn) {
				conns.Add(1)
				end(conn, bufio.NewReader(conn))
			})
			x := send(t, newClient(t), url, 5*time.Second)
			require.NotEmpty(t, x.ErrorClass, what)
			require.NotContains(t, x.Error, "twice", what)
			require.EqualValues(t, 1, conns.Load(), what)
		}
	})

	t.Run("never on a kept connection that took the request", func(t *testing.T) {
		t.Parallel()
		var requests atomic.Int32
		url := raw(t, func(_ int, conn net.Conn) {
			for from := bufio.NewReader(conn); ; {
				if readRequest(from) != nil {
					return
				}
				if requests.Add(1) > 1 {
					return
				}
				_, _ = io.WriteString(conn, emptyAnswer)
			}
		})
		c := newClient(t)
		// net/http takes requests with this header for repeatable and sends them again by itself.
		r := safehttp.Request{URL: url, Body: []byte("{}"), Timeout: 5 * time.Second, Header: http.Header{"Idempotency-Key": {"k"}}}
		require.Empty(t, sendRequest(t, c, r).Error)
		x := sendRequest(t, c, r)
		require.Equal(t, models.ErrorProtocol, x.ErrorClass)
		require.EqualValues(t, 2, requests.Load())
	})

	t.Run("never for what a moment does not change", func(t *testing.T) {
		t.Parallel()
		for _, url := range []string{"http://10.0.0.1/", "http://no-such-host.invalid/"} {
			require.NotContains(t, send(t, strictClient(t), url, 5*time.Second).Error, "twice")
		}
		large := strings.Repeat("x", 100)
		x := send(t, newClient(t), rawServer(t, large), 5*time.Second)
		require.NotContains(t, x.Error, "twice")
	})
}
