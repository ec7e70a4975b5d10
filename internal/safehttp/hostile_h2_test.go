package safehttp_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// h2Server speaks HTTP/2 frame by frame: react gets each request's header frame.
func h2Server(t *testing.T, ca *authority, react func(f *http2.Framer, stream uint32) error) string {
	t.Helper()
	pair, _, _ := ca.issue(t, nil)
	listener := listen(t)
	accept(t, listener, func(_ int, conn net.Conn) {
		secure := tls.Server(conn, &tls.Config{
			Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
		})
		_, _ = io.ReadFull(secure, make([]byte, len(http2.ClientPreface)))
		framer := http2.NewFramer(secure, secure)
		err := framer.WriteSettings()
		for err == nil {
			var frame http2.Frame
			if frame, err = framer.ReadFrame(); err != nil {
				break
			}
			if _, ok := frame.(*http2.HeadersFrame); ok {
				err = react(framer, frame.Header().StreamID)
			}
		}
	})
	return "https://" + listener.Addr().String()
}

// block encodes header fields, name after value.
func block(fields ...string) []byte {
	var encoded bytes.Buffer
	encoder := hpack.NewEncoder(&encoded)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: true})
	}
	return encoded.Bytes()
}

func head(f *http2.Framer, stream uint32, last bool, fields ...string) error {
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block(fields...), EndHeaders: last})
}

// TestHostileHTTP2 does not run beside other tests: it measures memory, which has no owner.
func TestHostileHTTP2(t *testing.T) {
	filler := strings.Repeat("x", 8000)
	data := make([]byte, 16_000)
	ca := newAuthority(t)
	for name, tt := range map[string]struct {
		react  func(f *http2.Framer, stream uint32) error
		status int
		class  models.ErrorClass
		again  bool // it says that it did nothing
	}{
		"goes away": {again: true, react: func(f *http2.Framer, _ uint32) error {
			return f.WriteGoAway(0, http2.ErrCodeNo, nil)
		}},
		"goes away in anger without looking": {again: true, react: func(f *http2.Framer, _ uint32) error {
			return f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("calm"))
		}},
		"goes away in anger": {react: func(f *http2.Framer, stream uint32) error {
			return f.WriteGoAway(stream, http2.ErrCodeEnhanceYourCalm, []byte("calm"))
		}},
		"goes away, and closes, in the middle": {react: func(f *http2.Framer, stream uint32) error {
			_ = f.WriteGoAway(stream, http2.ErrCodeNo, nil)
			return io.EOF
		}},
		"refuses the stream": {again: true, react: func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		}},
		"resets the stream": {react: func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeProtocol)
		}},
		"never answers": {class: models.ErrorTimeout, react: func(*http2.Framer, uint32) error { return nil }},
		"sends headers without end": {react: func(f *http2.Framer, stream uint32) error {
			err := head(f, stream, false, ":status", "200")
			for err == nil {
				err = f.WriteContinuation(stream, false, block("x-filler", filler))
			}
			return err
		}},
		"sends 103 without end": {react: func(f *http2.Framer, stream uint32) error {
			var err error
			for err == nil {
				err = head(f, stream, true, ":status", "103", "link", "</a>")
			}
			return err
		}},
		"sends a body beyond its window": {react: func(f *http2.Framer, stream uint32) error {
			err := head(f, stream, true, ":status", "200")
			for err == nil {
				err = f.WriteData(stream, false, data)
			}
			return err
		}, status: http.StatusOK},
		"resets in the body": {react: func(f *http2.Framer, stream uint32) error {
			_ = head(f, stream, true, ":status", "200")
			_ = f.WriteData(stream, false, data[:10])
			return f.WriteRSTStream(stream, http2.ErrCodeInternal)
		}, status: http.StatusOK},
		"answers without a status": {react: func(f *http2.Framer, stream uint32) error {
			return head(f, stream, true, "x-a", "b")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			url := h2Server(t, ca, func(f *http2.Framer, stream uint32) error {
				requests.Add(1)
				return tt.react(f, stream)
			})
			c := newClient(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			timeout := hostileTimeout
			if tt.again { // two connections take their time on a busy machine
				timeout = hostilePatience
			}
			x := sendRequest(t, c, safehttp.Request{URL: url, Body: []byte("{}"), Timeout: timeout, TLS: models.TLS{CA: ca.pem}})
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*hostileMemory)) // the authorities of the system are read
			require.Less(t, x.Timing.Total, hostilePatience)
			require.Equal(t, tt.status, x.Status)
			require.Equal(t, tt.status == 0, x.ErrorClass != "", x.Error)
			if tt.class != "" {
				require.Equal(t, tt.class, x.ErrorClass)
			}
			if tt.again {
				require.EqualValues(t, 2, requests.Load(), "what was not processed is written once more")
				require.Contains(t, x.Error, "; tried twice")
			} else {
				require.EqualValues(t, 1, requests.Load(), "what was written is not written again")
			}
		})
	}
}

func TestHTTP2IsShared(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	var remotes [3]string
	n := 0
	url := secureServer(t, ca, nil, func(_ http.ResponseWriter, r *http.Request) { remotes[n] = r.RemoteAddr; n++ })
	c := newClient(t)
	for range remotes {
		x := sendRequest(t, c, safehttp.Request{URL: url, Body: []byte("{}"), Timeout: 5 * time.Second, TLS: models.TLS{CA: ca.pem}})
		require.Empty(t, x.Error)
	}
	require.Equal(t, remotes[0], remotes[2])
}

// The second try of what the receiver did not process goes to a new connection after a GOAWAY, and succeeds.
func TestSecondTryOverHTTP2(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for name, refuse := range map[string]func(f *http2.Framer, stream uint32) error{
		"after a GOAWAY below the stream": func(f *http2.Framer, stream uint32) error {
			return f.WriteGoAway(stream-2, http2.ErrCodeNo, nil)
		},
		"after a GOAWAY below the stream, and the end": func(f *http2.Framer, stream uint32) error {
			_ = f.WriteGoAway(stream-2, http2.ErrCodeNo, nil)
			return io.EOF
		},
		"after REFUSED_STREAM": func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		},
	} {
		for _, size := range []int{2, 900_000} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, size), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int32
				url := h2Server(t, ca, func(f *http2.Framer, stream uint32) error {
					if requests.Add(1) == 2 {
						return refuse(f, stream)
					}
					return f.WriteHeaders(http2.HeadersFrameParam{
						StreamID: stream, BlockFragment: block(":status", "204"), EndHeaders: true, EndStream: true,
					})
				})
				c := newClient(t)
				for n := range 3 {
					x := sendRequest(t, c, safehttp.Request{
						URL: url, Body: make([]byte, size), Timeout: 5 * time.Second, TLS: models.TLS{CA: ca.pem},
					})
					require.Empty(t, x.Error, n)
				}
				require.EqualValues(t, 4, requests.Load())
			})
		}
	}
}
