package safehttp_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// silent takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	return raw(t, func(_ int, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
}

// full is an address whose queue of connections nobody empties, so that connecting to it takes for ever.
func full(t *testing.T, ip [4]byte, port int) (bound int) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(socket) })
	require.NoError(t, syscall.Bind(socket, &syscall.SockaddrInet4{Addr: ip, Port: port}))
	require.NoError(t, syscall.Listen(socket, 0))
	name, err := syscall.Getsockname(socket)
	require.NoError(t, err)
	address := &net.TCPAddr{IP: ip[:], Port: name.(*syscall.SockaddrInet4).Port}
	for range 8 {
		conn, err := net.DialTimeout("tcp", address.String(), 100*time.Millisecond)
		if err != nil {
			return address.Port
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("this system queues without end")
	return 0
}

func TestTimeoutsNameTheirStage(t *testing.T) {
	t.Parallel()
	const short, long = 150 * time.Millisecond, 5 * time.Second
	for name, tt := range map[string]struct {
		options func(*testing.T) safehttp.Options
		url     func(*testing.T) string
		total   time.Duration
		words   string
	}{
		"resolving": {
			options: func(t *testing.T) safehttp.Options {
				return safehttp.Options{Resolver: resolver(t, always()), Timeouts: safehttp.Timeouts{DNS: short}}
			},
			url:   func(*testing.T) string { return "http://slow.example.test/" },
			total: long, words: "gave up after 150ms (resolving the host name)",
		},
		"resolving, in total": {
			options: func(t *testing.T) safehttp.Options { return safehttp.Options{Resolver: resolver(t, always())} },
			url:     func(*testing.T) string { return "http://slow.example.test/" },
			total:   short, words: "no answer within 150ms (resolving the host name)",
		},
		"connecting": {
			options: func(*testing.T) safehttp.Options {
				return safehttp.Options{Timeouts: safehttp.Timeouts{Connect: short}}
			},
			url: func(t *testing.T) string {
				address := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: full(t, [4]byte{127, 0, 0, 1}, 0)}
				return "http://" + address.String()
			},
			total: long, words: "gave up after 150ms (connecting)",
		},
		"the handshake": {
			options: func(*testing.T) safehttp.Options {
				return safehttp.Options{Timeouts: safehttp.Timeouts{TLS: short}}
			},
			url:   func(t *testing.T) string { return "https" + silent(t)[len("http"):] },
			total: long, words: "gave up after 150ms (in the TLS handshake)",
		},
		"the first byte": {
			options: func(*testing.T) safehttp.Options {
				return safehttp.Options{Timeouts: safehttp.Timeouts{FirstByte: short}}
			},
			url: silent, total: long, words: "gave up after 150ms (waiting for the first byte)",
		},
		"the total": {
			options: func(*testing.T) safehttp.Options { return safehttp.Options{} },
			url:     silent, total: short, words: "no answer within 150ms (waiting for the first byte)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options, url := tt.options(t), tt.url(t)
			options.Allow = loopback
			x := send(t, newClientWith(t, options), url, tt.total)
			require.Equal(t, models.ErrorTimeout, x.ErrorClass, x.Error)
			require.Equal(t, tt.words, x.Error)
			require.Less(t, x.Timing.Total, long)
		})
	}
}

func TestDialRacesTheAddressesOfAName(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	port := listener.Addr().(*net.TCPAddr).Port
	accept(t, listener, func(_ int, conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, emptyAnswer)
	})
	full(t, [4]byte{127, 0, 0, 3}, port)
	for _, addrs := range [][]string{
		{"127.0.0.3", "127.0.0.1"},              // one that hangs
		{"127.0.0.2", "127.0.0.1"},              // one that refuses
		{"127.0.0.3", "127.0.0.2", "127.0.0.1"}, // both
	} {
		c := newClientWith(t, safehttp.Options{Allow: loopback, Resolver: resolver(t, always(addrs...))})
		address := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
		x := send(t, c, atHost(t, "http://"+address.String(), "many.example.test"), 5*time.Second)
		require.Empty(t, x.Error, addrs)
		require.Less(t, x.Timing.Connect, 3*time.Second)
	}
}

func TestTimingOfAKeptConnection(t *testing.T) {
	t.Parallel()
	var remotes []string
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { remotes = append(remotes, r.RemoteAddr) })
	c := newClient(t)
	first := send(t, c, url, 5*time.Second)
	second := send(t, c, url, 5*time.Second)
	require.Equal(t, remotes[0], remotes[1], "the connection is kept")
	require.Positive(t, first.Timing.Connect)
	require.Zero(t, second.Timing.Connect)
	require.Zero(t, second.Timing.DNS)
	require.Zero(t, second.Timing.TLS)
	require.Positive(t, second.Timing.FirstByte)
}

func TestRequestWithoutTimeoutHasTheDefault(t *testing.T) {
	t.Parallel()
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	require.Empty(t, sendRequest(t, newClient(t), safehttp.Request{URL: url, Body: bytes.Repeat([]byte("x"), 10)}).Error)
}
