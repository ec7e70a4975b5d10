package safehttp_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// opensslServer answers the first request after it has asked for a certificate by renegotiation, as servers do that
// learn from the path that they want one.
func opensslServer(t *testing.T, ca *authority) string {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	_, cert, key := ca.issue(t, nil)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "cert"), []byte(cert), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "key"), []byte(key), 0o600))
	free := listen(t)
	address := free.Addr().String()
	require.NoError(t, free.Close())

	command := exec.CommandContext(t.Context(), program, "s_server", "-accept", address, "-tls1_2",
		"-cert", filepath.Join(folder, "cert"), "-key", filepath.Join(folder, "key"))
	stdin, err := command.StdinPipe()
	require.NoError(t, err)
	console := &console{typed: stdin, replies: []reply{
		{`{"a":1}`, "R\n"},
		{"SSL_do_handshake -> 1", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	}}
	command.Stdout, command.Stderr = console, console
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = command.Wait() }) // its context ends it
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	return "https://" + address
}

// reply is what is typed once a text has been printed.
type reply struct{ printed, typed string }

// console types its replies, one after the other.
type console struct {
	mu      sync.Mutex
	seen    bytes.Buffer
	typed   io.Writer
	replies []reply
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Write(p)
	if len(c.replies) > 0 && strings.Contains(c.seen.String(), c.replies[0].printed) {
		_, _ = io.WriteString(c.typed, c.replies[0].typed)
		c.replies = c.replies[1:]
	}
	return len(p), nil
}

func TestCertificateIsShownWhenRenegotiated(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	_, cert, key := ca.issue(t, nil)
	send := func(material models.TLS) models.Exchange {
		return sendRequest(t, newClient(t), safehttp.Request{
			URL: opensslServer(t, ca), Body: []byte(`{"a":1}`), Timeout: 10 * time.Second, TLS: material,
		})
	}
	x := send(models.TLS{CA: ca.pem, ClientCert: cert, ClientKey: key})
	require.Empty(t, x.Error)
	require.Equal(t, 200, x.Status)

	x = send(models.TLS{CA: ca.pem})
	require.Equal(t, models.ErrorTLS, x.ErrorClass, "nobody renegotiates who has nothing to show")
	require.Contains(t, x.Error, "no renegotiation")
}
