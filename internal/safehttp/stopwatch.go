package safehttp

import (
	"crypto/tls"
	"errors"
	"io"
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

// limit is the bound of a stage; 0 where only the total counts.
func (t Timeouts) limit(s stage) time.Duration {
	return map[stage]time.Duration{
		stageDNS: t.DNS, stageConnect: t.Connect, stageTLS: t.TLS, stageWaiting: t.FirstByte, stageReading: t.FirstByte,
	}[s]
}

// stopwatch times the stages of one request and knows whether any of it was written. The trace calls it from the
// transport's goroutines, which may outlive the request, so it locks.
type stopwatch struct {
	mu      sync.Mutex
	tries   int
	now     stage
	start   time.Time
	entered map[stage]time.Time
	timing  models.Timing
	looking bool // the resolver is at work; the connections it reports are its own

	conn   *meteredConn // the connection of the request; nil before there is one
	base   int64        // bytes written to conn before the request
	reused bool         // conn had been used before
	dirty  bool         // something may have been written to an earlier connection, or nobody knows
}

func newStopwatch() *stopwatch {
	return &stopwatch{tries: 1, start: time.Now(), entered: map[stage]time.Time{}}
}

// enter moves on, never back: a connection that is still being made when another one came free reports late.
func (w *stopwatch) enter(try int, s stage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if try != w.tries || s < w.now || w.looking && s == stageConnect {
		return
	}
	w.now = s
	if _, ok := w.entered[s]; !ok {
		w.entered[s] = time.Now()
	}
}

func (w *stopwatch) look(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looking = on
}

// leave books the time since the stage was first entered: with several addresses dialled, up to the last one's end. A
// connection that is not the request's any more does not count.
func (w *stopwatch) leave(try int, s stage, part *time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if since, ok := w.entered[s]; ok && try == w.tries && w.now < stageSending {
		*part = max(*part, time.Since(since))
	}
}

// got notes the connection that the request will be written to.
func (w *stopwatch) got(try int, info httptrace.GotConnInfo) {
	w.enter(try, stageSending)
	w.mu.Lock()
	defer w.mu.Unlock()
	if try != w.tries {
		return
	}
	w.dirty = w.dirty || w.wrote()
	w.conn, w.reused = meterOf(info.Conn), info.Reused
	if w.conn == nil {
		w.dirty = true
		return
	}
	w.base = w.conn.written.Load()
}

// wrote counts what other requests write to a shared HTTP/2 connection too: it may say yes where nothing of ours left,
// never the other way round.
func (w *stopwatch) wrote() bool { return w.conn != nil && w.conn.written.Load() != w.base }

// untouched reports whether it is certain that the receiver has seen no byte of the request.
func (w *stopwatch) untouched() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.dirty && !w.wrote()
}

// cause is why the request could not be written, where all that the reader found is the connection's end.
func (w *stopwatch) cause(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if broke := w.conn.broke.Load(); broke != nil {
		return *broke
	}
	return err
}

func (w *stopwatch) wasReused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reused
}

// again starts the second try. Its parts replace those of the first; the total goes on.
func (w *stopwatch) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	w.now, w.entered, w.timing = stageStart, map[stage]time.Time{}, models.Timing{}
	w.conn, w.reused, w.looking = nil, false, false
}

// twice reports whether there was a second try.
func (w *stopwatch) twice() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tries > 1
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

// wroteRequest is called for failed writes as well, and for writes that were discarded.
func (w *stopwatch) wroteRequest(try int, info httptrace.WroteRequestInfo) {
	if info.Err == nil && !w.broken() {
		w.enter(try, stageWaiting)
	}
}

func (w *stopwatch) broken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn != nil && w.conn.broke.Load() != nil
}

func (w *stopwatch) firstByte(try int) {
	w.enter(try, stageReading)
	w.mu.Lock()
	defer w.mu.Unlock()
	if try == w.tries {
		w.timing.FirstByte = time.Since(w.start)
	}
}

// trace reports on the try that comes next.
func (w *stopwatch) trace() *httptrace.ClientTrace {
	w.mu.Lock()
	try := w.tries
	w.mu.Unlock()
	return &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { w.enter(try, stageDNS); w.look(true) },
		DNSDone:              func(httptrace.DNSDoneInfo) { w.leave(try, stageDNS, &w.timing.DNS); w.look(false) },
		ConnectStart:         func(_, _ string) { w.enter(try, stageConnect) },
		ConnectDone:          func(_, _ string, _ error) { w.leave(try, stageConnect, &w.timing.Connect) },
		TLSHandshakeStart:    func() { w.enter(try, stageTLS) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { w.leave(try, stageTLS, &w.timing.TLS) },
		GotConn:              func(info httptrace.GotConnInfo) { w.got(try, info) },
		WroteRequest:         func(info httptrace.WroteRequestInfo) { w.wroteRequest(try, info) },
		GotFirstResponseByte: func() { w.firstByte(try) },
	}
}
