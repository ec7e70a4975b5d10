package safehttp

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/posthaste/posthaste/models"
)

// stage is how far a request has come.
type stage int

const (
	stageStart stage = iota
	stageDNS
	stageConnect
	stageTLS
	stageSending
	stageWaiting
	stageReading
)

func (s stage) String() string {
	return [...]string{
		"getting a connection", "resolving the host name", "connecting", "in the TLS handshake", "sending the request",
		"waiting for the first byte", "reading the answer",
	}[s]
}

// stopwatch times the stages of one request. The trace calls it from the transport's goroutines, which may outlive the
// request, so it locks.
type stopwatch struct {
	mu      sync.Mutex
	now     stage
	start   time.Time
	entered map[stage]time.Time
	timing  models.Timing
}

func newStopwatch() *stopwatch {
	return &stopwatch{start: time.Now(), entered: map[stage]time.Time{}}
}

func (w *stopwatch) enter(s stage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = s
	w.entered[s] = time.Now()
}

// leave books the time since the stage was entered. With two addresses dialled side by side the longer one counts.
func (w *stopwatch) leave(s stage, part *time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*part = max(*part, time.Since(w.entered[s]))
}

func (w *stopwatch) stage() stage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *stopwatch) stop() models.Timing {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timing.Total = time.Since(w.start)
	return w.timing
}

func (w *stopwatch) firstByte() {
	w.enter(stageReading)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timing.FirstByte = time.Since(w.start)
}

func (w *stopwatch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { w.enter(stageDNS) },
		DNSDone:              func(httptrace.DNSDoneInfo) { w.leave(stageDNS, &w.timing.DNS) },
		ConnectStart:         func(_, _ string) { w.enter(stageConnect) },
		ConnectDone:          func(_, _ string, _ error) { w.leave(stageConnect, &w.timing.Connect) },
		TLSHandshakeStart:    func() { w.enter(stageTLS) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { w.leave(stageTLS, &w.timing.TLS) },
		GotConn:              func(httptrace.GotConnInfo) { w.enter(stageSending) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { w.enter(stageWaiting) },
		GotFirstResponseByte: w.firstByte,
	}
}
