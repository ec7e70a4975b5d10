package safehttp_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

func TestEveryStatus(t *testing.T) {
	t.Parallel()
	url := raw(t, func(_ int, conn net.Conn) {
		buffer := make([]byte, 4096)
		n, _ := conn.Read(buffer)
		var status int
		_, _ = fmt.Sscanf(string(buffer[:n]), "POST /%d ", &status)
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %03d Said So\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status)
	})
	c := newClient(t)
	for status := 100; status <= 599; status++ {
		x := send(t, c, url+"/"+strconv.Itoa(status), 5*time.Second)
		want, answered := models.ErrorStatus, status
		switch {
		case status == http.StatusSwitchingProtocols:
		case status < 200:
			want, answered = models.ErrorProtocol, 0 // not an answer yet, and none follows
		case status < 300:
			want = ""
		case status < 400:
			want = models.ErrorRedirect
		}
		require.Equal(t, want, x.ErrorClass, status)
		require.Equal(t, answered, x.Status, status)
		if answered != 0 && want != "" {
			require.Contains(t, x.Error, fmt.Sprintf("answered %d", status))
		}
		require.Equal(t, want == "", x.Error == "", status)
	}
	for _, status := range []string{"000", "099", "600", "999"} {
		answer := "HTTP/1.1 " + status + " Odd\r\nContent-Length: 0\r\n\r\n"
		require.NotEmpty(t, send(t, c, rawServer(t, answer), 5*time.Second).ErrorClass, status)
	}
}

// TestHangingReceiversDelayNobody holds a hundred requests, on as many hosts and on one.
func TestHangingReceiversDelayNobody(t *testing.T) {
	t.Parallel()
	const many = 50
	done := make(chan struct{})
	arrived := make(chan struct{}, 2*many)
	hang := func(_ int, conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		arrived <- struct{}{}
		<-done
	}
	c := newClient(t)
	var released atomic.Bool
	var pending sync.WaitGroup
	one := raw(t, hang)
	for range many {
		for _, url := range []string{raw(t, hang), one} {
			pending.Go(func() {
				x, err := c.Send(t.Context(), safehttp.Request{URL: url, Body: []byte("{}"), Timeout: models.MaxTimeout})
				if !released.Load() {
					t.Errorf("a hanging receiver answered: %v, %+v", err, x)
				}
			})
		}
	}
	for range 2 * many {
		<-arrived
	}
	started := time.Now()
	good := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "quick") })
	require.Equal(t, "quick", string(send(t, c, good, 5*time.Second).Body))
	require.Less(t, time.Since(started), 2*time.Second)
	released.Store(true)
	close(done)
	pending.Wait()
}
