package safehttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// loopback lets a client call the test's own servers.
var loopback = safehttp.Allow{Networks: []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
}}

// newClient may call loopback addresses.
func newClient(t *testing.T) *safehttp.Client {
	t.Helper()
	return newClientWith(t, safehttp.Options{Allow: loopback})
}

// strictClient may call public addresses only.
func strictClient(t *testing.T) *safehttp.Client {
	t.Helper()
	return newClientWith(t, safehttp.Options{})
}

func newClientWith(t *testing.T, o safehttp.Options) *safehttp.Client {
	t.Helper()
	c := safehttp.New(o)
	t.Cleanup(c.Close)
	return c
}

func allow(t *testing.T, entries ...string) safehttp.Allow {
	t.Helper()
	a, err := safehttp.ParseAllow(entries)
	require.NoError(t, err)
	return a
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// accept hands each connection, counted from 1, to a handler; it is closed when the handler returns.
func accept(t *testing.T, listener net.Listener, handle func(n int, conn net.Conn)) {
	t.Helper()
	var handlers sync.WaitGroup
	conns := make(chan net.Conn, 1024)
	handlers.Go(func() {
		for n := 1; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns <- conn
			handlers.Go(func() {
				handle(n, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		for len(conns) > 0 {
			_ = (<-conns).Close()
		}
		handlers.Wait()
	})
}

// raw serves connections with bytes of the test's choice.
func raw(t *testing.T, handle func(n int, conn net.Conn)) string {
	t.Helper()
	listener := listen(t)
	accept(t, listener, handle)
	return "http://" + listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

// rawServer reads the beginning of a request and answers with a text.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	return raw(t, func(_ int, conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, answer)
	})
}

func send(t *testing.T, c *safehttp.Client, url string, timeout time.Duration) models.Exchange {
	t.Helper()
	return sendRequest(t, c, safehttp.Request{
		URL: url, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"a":1}`), Timeout: timeout,
	})
}

func sendRequest(t *testing.T, c *safehttp.Client, r safehttp.Request) models.Exchange {
	t.Helper()
	x, err := c.Send(t.Context(), r)
	require.NoError(t, err)
	return x
}

// resolver asks a DNS server of the test's own. It answers the n-th question for the IPv4 addresses of any name, counted
// from 1, with what answer returns; a question for IPv6 addresses gets none. A nil answer is silence.
func resolver(t *testing.T, answer func(n int) []string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		serveDNS(server, answer)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func serveDNS(server net.PacketConn, answer func(n int) []string) {
	buffer := make([]byte, 1500)
	for questions := 0; ; {
		n, from, err := server.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Additionals = nil
		m.Response, m.RecursionAvailable = true, true
		if m.Questions[0].Type == dnsmessage.TypeA {
			questions++
			addrs := answer(questions)
			if addrs == nil {
				continue
			}
			m.Answers = records(m.Questions[0], addrs)
		}
		if packed, err := m.Pack(); err == nil {
			_, _ = server.WriteTo(packed, from)
		}
	}
}

func records(q dnsmessage.Question, addrs []string) []dnsmessage.Resource {
	var all []dnsmessage.Resource
	for _, addr := range addrs {
		all = append(all, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeA, Class: q.Class},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(addr).As4()},
		})
	}
	return all
}

// always answers each question the same.
func always(addrs ...string) func(int) []string { return func(int) []string { return addrs } }
