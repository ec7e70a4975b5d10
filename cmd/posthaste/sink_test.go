package main

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

// sink is a subscriber. It answers by its script, the last status again and again, and verifies what it gets with the
// official library of Standard Webhooks rather than ours.
type sink struct {
	url     string
	mu      sync.Mutex
	script  []int
	takes   time.Duration // for each answer
	secret  string
	got     map[string]int // times per webhook-id
	now     int            // requests being answered
	most    int            // at once
	open    int            // connections
	held    *hold
	invalid []error
}

func newSink(t *testing.T, script ...int) *sink {
	t.Helper()
	s := &sink{script: script, got: map[string]int{}}
	server := httptest.NewUnstartedServer(s)
	server.Config.ConnState = s.connection
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL + "/hook"
	return s
}

// trust makes the sink verify with the secret from now on.
func (s *sink) trust(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = secret
}

// answer makes the sink answer so from now on.
func (s *sink) answer(script ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// hold keeps the requests of a sink waiting.
type hold struct {
	arrived  chan struct{} // gets a value for each request that waits
	released chan struct{}
	once     sync.Once
}

func (h *hold) release() { h.once.Do(func() { close(h.released) }) }

// hold makes the sink's requests wait from now on, until they are released.
func (s *sink) hold(t *testing.T) *hold {
	t.Helper()
	h := &hold{arrived: make(chan struct{}, 100), released: make(chan struct{})}
	t.Cleanup(h.release)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = h
	return h
}

// connection counts the connections.
func (s *sink) connection(_ net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open++
	case http.StateClosed, http.StateHijacked:
		s.open--
	case http.StateActive, http.StateIdle:
	}
}

// idle reports whether all who were connected have gone, and their requests are answered.
func (s *sink) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open == 0 && s.now == 0
}

func (s *sink) enter() *hold {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now++
	s.most = max(s.most, s.now)
	return s.held
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if h := s.enter(); h != nil {
		h.arrived <- struct{}{}
		<-h.released
	}
	<-time.After(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	s.got[r.Header.Get("webhook-id")]++
	if err := s.verify(body, r.Header); err != nil {
		s.invalid = append(s.invalid, err)
	}
	w.WriteHeader(s.script[0])
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
}

func (s *sink) verify(body []byte, header http.Header) error {
	if s.secret == "" {
		return nil
	}
	official, err := standardwebhooks.NewWebhook(s.secret)
	if err != nil {
		return err
	}
	return official.Verify(body, header)
}

// times is how often the event arrived.
func (s *sink) times(eventID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[eventID]
}

// arrived is how often each event arrived.
func (s *sink) arrived() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.got)
}

// events is how many different events arrived.
func (s *sink) events() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

// requests is how many arrived in all.
func (s *sink) requests() (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, times := range s.got {
		count += times
	}
	return count
}

// requireValid requires that every request carried a good signature.
func (s *sink) requireValid(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(t, s.invalid)
}
