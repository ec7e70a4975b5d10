package safehttp_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// What any receiver may cost us: the memory is all that was allocated meanwhile, the test's own server included.
const (
	hostileTimeout  = 300 * time.Millisecond
	hostilePatience = 3 * time.Second // a slow machine's hostileTimeout
	hostileMemory   = 2 << 20
)

// hostile is a receiver that means harm, and what has to come of it.
type hostile struct {
	receiver func(*testing.T) string
	body     int // bytes of the request; 0 for a few
	class    models.ErrorClass
	status   int
	words    string // part of the error
	cut      bool
}

func (h hostile) run(t *testing.T) models.Exchange {
	t.Helper()
	url, body := h.receiver(t), bytes.Repeat([]byte("x"), max(h.body, 10))
	c := newClient(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x, err := c.Send(t.Context(), safehttp.Request{URL: url, Body: body, Timeout: hostileTimeout})
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Less(t, x.Timing.Total, hostilePatience)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(hostileMemory))
	require.Equal(t, h.class, x.ErrorClass, x.Error)
	require.Equal(t, h.status, x.Status)
	require.Equal(t, h.cut, x.Cut)
	require.Contains(t, x.Error, h.words)
	require.LessOrEqual(t, len(x.Body), models.MaxResponse)
	require.True(t, utf8.Valid(x.Body))
	return x
}

// flood writes the beginning and then the same again and again, until the other side has enough.
func flood(beginning, again string) func(*testing.T) string {
	chunk := bytes.Repeat([]byte(again), 1+32_000/len(again)) // made once: a string would be copied for each write
	return func(t *testing.T) string {
		t.Helper()
		return raw(t, func(_ int, conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, err := io.WriteString(conn, beginning)
			for err == nil {
				_, err = conn.Write(chunk)
			}
		})
	}
}

// trickle writes the beginning and then the same every few milliseconds.
func trickle(beginning, again string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		return raw(t, func(_ int, conn net.Conn) {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			_, _ = conn.Read(make([]byte, 4096))
			_, err := io.WriteString(conn, beginning)
			for err == nil {
				<-tick.C
				_, err = io.WriteString(conn, again)
			}
		})
	}
}

// says answers with a text and hangs up.
func says(answer string) func(*testing.T) string {
	return func(t *testing.T) string { t.Helper(); return rawServer(t, answer) }
}

// holds answers with a text and keeps the connection.
func holds(answer string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		return raw(t, func(_ int, conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, answer)
			_, _ = io.Copy(io.Discard, conn)
		})
	}
}

// neverReads takes the beginning of a request, says what it has to and waits for the end of the test.
func neverReads(answer string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		done := make(chan struct{})
		url := raw(t, func(_ int, conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			_, _ = io.WriteString(conn, answer)
			<-done
		})
		t.Cleanup(func() { close(done) })
		return url
	}
}

func bomb(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(make([]byte, 20<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return rawServer(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", packed.Len(), packed.Bytes()))
}

// TestHostileReceivers does not run beside other tests: it measures memory, which has no owner.
func TestHostileReceivers(t *testing.T) {
	const ok, kilobyte = "HTTP/1.1 200 OK\r\n", "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n"
	const megabytes = 16 << 20
	for name, h := range map[string]hostile{
		"sends a body without end":              {receiver: flood(ok+"\r\n", "é"), status: 200, cut: true},
		"sends chunks without end":              {receiver: flood(ok+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), status: 200, cut: true},
		"sends a byte now and then":             {receiver: trickle(ok+"\r\n", "x"), status: 200, cut: true},
		"sends a header byte now and then":      {receiver: trickle(ok+"X-A: ", "x"), class: models.ErrorTimeout, words: "reading the answer"},
		"sends header lines without end":        {receiver: flood(ok, kilobyte), class: models.ErrorProtocol},
		"sends one header line without end":     {receiver: flood(ok+"X-A: ", "x"), class: models.ErrorProtocol},
		"sends a status line without end":       {receiver: flood("HTTP/1.1 200 ", "x"), class: models.ErrorProtocol},
		"sends a bomb":                          {receiver: bomb, status: 200, cut: true},
		"never answers":                         {receiver: holds(""), class: models.ErrorTimeout, words: "waiting for the first byte"},
		"never reads":                           {receiver: neverReads(""), body: megabytes, class: models.ErrorTimeout, words: "sending the request"},
		"answers before it reads":               {receiver: neverReads("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"), body: megabytes, class: models.ErrorStatus, status: 413},
		"hangs up at once":                      {receiver: says(""), class: models.ErrorProtocol},
		"hangs up in the header":                {receiver: says(ok + "X-A: b\r\nX-"), class: models.ErrorProtocol},
		"hangs up in the body":                  {receiver: says(ok + "Content-Length: 1000\r\n\r\nso far"), status: 200, cut: true},
		"stops in the body":                     {receiver: holds(ok + "Content-Length: 1000\r\n\r\nso far"), status: 200, cut: true},
		"sends 100 without end":                 {receiver: flood("", "HTTP/1.1 100 Continue\r\n\r\n"), class: models.ErrorProtocol},
		"sends 103 without end":                 {receiver: flood("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), class: models.ErrorProtocol},
		"sends 102 now and then":                {receiver: trickle("", "HTTP/1.1 102 Processing\r\n\r\n"), class: models.ErrorTimeout},
		"takes over the connection":             {receiver: holds("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), class: models.ErrorStatus, status: 101},
		"speaks another protocol":               {receiver: says("220 mail.example ESMTP\r\n"), class: models.ErrorProtocol},
		"speaks HTTP/0.9":                       {receiver: says("<html>hello</html>"), class: models.ErrorProtocol},
		"speaks TLS":                            {receiver: says("\x15\x03\x01\x00\x02\x02\x46"), class: models.ErrorProtocol},
		"speaks no version of HTTP":             {receiver: says("HTTP/x.y 200 OK\r\n\r\n"), class: models.ErrorProtocol},
		"has a status in words":                 {receiver: says("HTTP/1.1 abc OK\r\n\r\n"), class: models.ErrorProtocol},
		"has a status below zero":               {receiver: says("HTTP/1.1 -20 OK\r\n\r\n"), class: models.ErrorProtocol},
		"has a length below zero":               {receiver: says(ok + "Content-Length: -1\r\n\r\n"), class: models.ErrorProtocol},
		"has a length beyond numbers":           {receiver: says(ok + "Content-Length: 99999999999999999999\r\n\r\n"), class: models.ErrorProtocol},
		"has the longest length":                {receiver: says(ok + "Content-Length: 9223372036854775807\r\n\r\nx"), status: 200, cut: true},
		"has two lengths":                       {receiver: says(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), class: models.ErrorProtocol},
		"has an unknown transfer encoding":      {receiver: says(ok + "Transfer-Encoding: rot13\r\n\r\nx"), class: models.ErrorProtocol},
		"has broken chunks":                     {receiver: says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nx"), status: 200, cut: true},
		"has a chunk of all memory":             {receiver: says(ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffff\r\nx"), status: 200, cut: true},
		"has a chunk line without end":          {receiver: flood(ok+"Transfer-Encoding: chunked\r\n\r\n1;", "x"), status: 200, cut: true},
		"has trailers without end":              {receiver: flood(ok+"Transfer-Encoding: chunked\r\nTrailer: X-Filler\r\n\r\n1\r\nx\r\n0\r\n", kilobyte), status: 200, cut: true},
		"puts strange bytes in a header name":   {receiver: says(ok + "X\xff: b\r\n\r\n"), class: models.ErrorProtocol},
		"redirects to something that is no URL": {receiver: says("HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n"), class: models.ErrorRedirect, status: 302},
	} {
		t.Run(name, func(t *testing.T) { h.run(t) })
	}
}

func TestRedirectsAreRecordedAndNotFollowed(t *testing.T) {
	t.Parallel()
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for _, status := range []int{301, 302, 303, 304, 307, 308} {
		for _, location := range []string{other, "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "//[::1]/", "/next"} {
			url := rawServer(t, fmt.Sprintf("HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, location))
			x := send(t, newClient(t), url, 5*time.Second)
			require.Equal(t, models.ErrorRedirect, x.ErrorClass)
			require.Equal(t, status, x.Status)
			require.Equal(t, location, x.Header.Get("Location"))
			require.Contains(t, x.Error, "not followed")
		}
	}
}

func TestHeadersThatCountAreKept(t *testing.T) {
	t.Parallel()
	filler := strings.Repeat("A-Filler: "+strings.Repeat("x", 1000)+"\r\n", 40)
	answer := "HTTP/1.1 503 Busy\r\n" + filler + "Bytes: a\xffb\r\nRetry-After: 30\r\nLocation: /later\r\nContent-Length: 0\r\n\r\n"
	x := send(t, newClient(t), rawServer(t, answer), 5*time.Second)
	require.Equal(t, "30", x.Header.Get("Retry-After"))
	require.Equal(t, "/later", x.Header.Get("Location"))
	require.Equal(t, "a?b", x.Header.Get("Bytes"))
	size := 0
	for name, values := range x.Header {
		for _, value := range values {
			size += len(name) + len(value) + 4
		}
	}
	require.LessOrEqual(t, size, models.MaxResponse)
	require.Greater(t, size, models.MaxResponse*9/10)
}
