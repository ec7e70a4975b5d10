package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
)

// fakeServer is a server that delivers at once, as often as it is told to.
type fakeServer struct {
	groups  bool                            // it says that a group's workflow planned each event with an even number
	times   func(event, subscriber int) int // how often the nth event goes to the nth subscriber of its tenant
	forgets string                          // end of the URL of subscriptions that it does not keep

	mu            sync.Mutex
	subscriptions map[string][]string // URLs by tenant
	deleted       int
	events        int
	tenants       []string // of the events
	refuse        int      // the nth event of all; 0: none
	deliveries    sync.WaitGroup
}

type fakeEvent struct {
	Tenant string
	Data   json.RawMessage
}

// newRun starts a fake server and a receiver, and returns how to measure the one by the other.
func newRun(t *testing.T, server *fakeServer) Options {
	t.Helper()
	server.subscriptions = map[string][]string{}
	if server.times == nil {
		server.times = func(int, int) int { return 1 }
	}
	api := httptest.NewServer(server.routes())
	t.Cleanup(api.Close)
	t.Cleanup(server.deliveries.Wait)
	r := NewReceiver()
	receiver, control := httptest.NewServer(r), httptest.NewServer(r.Control())
	t.Cleanup(receiver.Close)
	t.Cleanup(control.Close)
	c, err := client.New(api.URL, "", client.WithMaxAttempts(1))
	require.NoError(t, err)
	return Options{
		Client: c, Receiver: receiver.URL, Control: control.URL,
		Events: 20, Fanout: []int{3}, Concurrency: 4, Patience: time.Second, Settle: 300 * time.Millisecond,
	}
}

func (s *fakeServer) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/subscriptions", s.subscribe)
	mux.HandleFunc("DELETE /v1/subscriptions/{id}", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deleted++
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /v1/events", s.list)
	mux.HandleFunc("POST /v1/events", func(w http.ResponseWriter, r *http.Request) {
		var event fakeEvent
		_ = json.NewDecoder(r.Body).Decode(&event)
		s.accept(r.Context(), w, http.StatusAccepted, event)
	})
	mux.HandleFunc("POST /v1/events/batch", func(w http.ResponseWriter, r *http.Request) {
		var batch struct{ Events []fakeEvent }
		_ = json.NewDecoder(r.Body).Decode(&batch)
		fmt.Fprint(w, `{"results":[`)
		for i, event := range batch.Events {
			fmt.Fprint(w, map[bool]string{true: ","}[i > 0])
			s.accept(r.Context(), w, 0, event)
		}
		fmt.Fprint(w, `]}`)
	})
	return mux
}

func (s *fakeServer) subscribe(w http.ResponseWriter, r *http.Request) {
	var in struct{ Tenant, URL string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgets == "" || !strings.HasSuffix(in.URL, s.forgets) {
		s.subscriptions[in.Tenant] = append(s.subscriptions[in.Tenant], in.URL)
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":"sub_%d"}`, len(s.subscriptions[in.Tenant]))
}

// list answers with a page of a tenant's events. Its cursor is the number of the next one.
func (s *fakeServer) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := client.Page[client.StoredEvent]{Data: []client.StoredEvent{}}
	n := number(r.FormValue("cursor"))
	for ; n < len(s.tenants) && len(page.Data) < number(r.FormValue("limit")); n++ {
		if s.tenants[n] != r.FormValue("tenant") {
			continue
		}
		event := client.StoredEvent{ID: fmt.Sprintf("evt_%d", n+1)}
		if s.groups && n%2 == 1 {
			event.PlannedBy = "group/x"
		}
		page.Data = append(page.Data, event)
	}
	if n < len(s.tenants) {
		page.NextCursor = strconv.Itoa(n)
	}
	_ = json.NewEncoder(w).Encode(page)
}

// accept answers an event, with a status unless it is one of a batch, and delivers it.
func (s *fakeServer) accept(ctx context.Context, w http.ResponseWriter, status int, event fakeEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events++
	s.tenants = append(s.tenants, event.Tenant)
	if s.events == s.refuse {
		if status > 0 {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		fmt.Fprint(w, map[bool]string{true: `{"code":"invalid"}`, false: `{"error":{"code":"invalid"}}`}[status > 0])
		return
	}
	if status > 0 {
		w.WriteHeader(status)
	}
	fmt.Fprintf(w, `{"id":"evt_%d"}`, s.events)
	for _, url := range s.subscriptions[event.Tenant] {
		for range s.times(s.events, number(path.Base(url))) {
			s.deliver(context.WithoutCancel(ctx), fmt.Sprintf("evt_%d", s.events), url, event.Data)
		}
	}
}

// deliver posts an event until it is taken, and no later than it is told to.
func (s *fakeServer) deliver(ctx context.Context, event, url string, body []byte) {
	s.deliveries.Go(func() {
		for {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				return
			}
			request.Header.Set("webhook-id", event)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return // the test is over
			}
			_ = response.Body.Close()
			wait, err := time.ParseDuration(response.Header.Get("Retry-After") + "s")
			if err != nil || pause(ctx, wait) != nil {
				return
			}
		}
	})
}
