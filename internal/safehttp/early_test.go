package safehttp_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// hasty answers as soon as it has read the head of a request, and closes the connection with the rest unread, which
// resets it.
func hasty(t *testing.T, answer string, secure *tls.Config) string {
	t.Helper()
	listener := listen(t)
	accept(t, listener, func(_ int, conn net.Conn) {
		if secure != nil {
			conn = tls.Server(conn, secure)
			defer func() { _ = conn.Close() }()
		}
		for from := bufio.NewReaderSize(conn, 1024); ; {
			line, err := from.ReadString('\n')
			if err != nil || line == "\r\n" {
				break
			}
		}
		_, _ = io.WriteString(conn, answer)
	})
	if secure != nil {
		return "https://" + listener.Addr().String()
	}
	return "http://" + listener.Addr().String()
}

// An answer that came before the request was read counts, however the connection ends after it.
func TestAnEarlyAnswerCounts(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	pair, _, _ := ca.issue(t, nil)
	secure := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	for _, tt := range []struct {
		status int
		rest   string
	}{
		{200, "Content-Length: 0\r\nConnection: close\r\n\r\n"},
		{200, "Content-Length: 0\r\n\r\n"},
		{413, "Content-Length: 5\r\nConnection: close\r\n\r\nlarge"},
		{410, "Connection: close\r\n\r\ngone"},
		{503, "Retry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n"},
	} {
		for what, config := range map[string]*tls.Config{"plain": nil, "over TLS": secure} {
			for _, size := range []int{100_000, 900_000} {
				t.Run(fmt.Sprintf("%d %s, %d bytes unread", tt.status, what, size), func(t *testing.T) {
					t.Parallel()
					url := hasty(t, fmt.Sprintf("HTTP/1.1 %d %s\r\n%s", tt.status, http.StatusText(tt.status), tt.rest), config)
					for range 40 {
						c := newClient(t) // the connection may not say that it ends
						x := sendRequest(t, c, safehttp.Request{
							URL: url, Body: bytes.Repeat([]byte("x"), size), Timeout: 10 * time.Second, TLS: models.TLS{CA: ca.pem},
						})
						require.Equal(t, tt.status, x.Status, x.Error)
						require.Equal(t, tt.status != 200, x.ErrorClass == models.ErrorStatus, x.Error)
					}
				})
			}
		}
	}
}

func TestAnEarlyAnswerCountsOverHTTP2(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for what, end := range map[string]func(*http2.Framer, uint32) error{
		"and the stream is closed without an error": func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeNo)
		},
		"and the connection is closed": func(*http2.Framer, uint32) error { return io.EOF },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			url := h2Server(t, ca, func(f *http2.Framer, stream uint32) error {
				_ = f.WriteHeaders(http2.HeadersFrameParam{
					StreamID: stream, BlockFragment: block(":status", "413"), EndHeaders: true, EndStream: true,
				})
				return end(f, stream)
			})
			for range 100 {
				c := newClient(t) // the connection does not say that it ends
				x := sendRequest(t, c, safehttp.Request{
					URL: url, Body: bytes.Repeat([]byte("x"), 900_000), Timeout: 10 * time.Second, TLS: models.TLS{CA: ca.pem},
				})
				require.Equal(t, http.StatusRequestEntityTooLarge, x.Status, x.Error)
			}
		})
	}
}

// Without an answer, the failure names the stage in which the connection broke.
func TestABreakWithoutAnAnswerIsNamed(t *testing.T) {
	t.Parallel()
	url := hasty(t, "", nil)
	x := sendRequest(t, newClient(t), safehttp.Request{URL: url, Body: bytes.Repeat([]byte("x"), 8_000_000), Timeout: 5 * time.Second})
	require.Contains(t, []models.ErrorClass{models.ErrorConnect, models.ErrorProtocol}, x.ErrorClass, x.Error) // reset, or closed before
	require.Contains(t, x.Error, "(sending the request)")
	require.NotContains(t, x.Error, "twice")
}
