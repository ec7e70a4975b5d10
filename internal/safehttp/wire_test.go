package safehttp_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// recorder keeps the heads of requests as they came, byte for byte.
func recorder(t *testing.T) (string, <-chan string) {
	t.Helper()
	heads := make(chan string, 10)
	return raw(t, func(_ int, conn net.Conn) {
		var head bytes.Buffer
		if readRequest(bufio.NewReader(io.TeeReader(conn, &head))) != nil {
			return
		}
		text, _, _ := strings.Cut(head.String(), "\r\n\r\n")
		heads <- text
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	}), heads
}

// Names of headers go out as they are spelled.
func TestHeaderNamesGoOutAsSpelled(t *testing.T) {
	t.Parallel()
	url, heads := recorder(t)
	x := sendRequest(t, newClient(t), safehttp.Request{
		URL: url, Body: []byte("{}"), Timeout: 5 * time.Second,
		Auth: models.Auth{Type: models.AuthBearer, Token: "new"},
		Header: http.Header{
			"webhook-id": {"evt_1"}, "ms-signature": {"s"}, "X-ODD-case": {"a"}, "authorization": {"old"},
		},
	})
	require.Empty(t, x.Error)
	head := <-heads
	for _, line := range []string{"webhook-id: evt_1", "ms-signature: s", "X-ODD-case: a", "Authorization: Bearer new"} {
		require.Contains(t, head, "\r\n"+line, head)
	}
	require.NotContains(t, head, "old")
}

// The name that is dialled is the name in Host, also of a URL that was saved in another spelling.
func TestOneNameIsDialledAndSent(t *testing.T) {
	t.Parallel()
	url, heads := recorder(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	c := newClientWith(t, safehttp.Options{Allow: loopback})
	for stored, want := range map[string][2]string{
		"http://BÜCHER.localhost:%s/h":       {"POST /h HTTP/1.1", "xn--bcher-kva.localhost"},
		"HTTP://Sub.LocalHost.:%s/h?x=a b ":  {"POST /h?x=a%20b HTTP/1.1", "sub.localhost"},
		"http://localhost:%s/a%%2Fb//../c?ü": {"POST /a%2Fb//../c?%C3%BC HTTP/1.1", "localhost"},
	} {
		x := send(t, c, fmt.Sprintf(stored, port), 5*time.Second)
		require.Empty(t, x.Error, stored)
		lines := strings.Split(<-heads, "\r\n")
		require.Equal(t, want[0], lines[0])
		require.Contains(t, lines, "Host: "+want[1]+":"+port)
	}
}
