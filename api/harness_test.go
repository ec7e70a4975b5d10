package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

const apiKey = "the-right-key"

// harness is the API over a real store, with fakes for what leads to Temporal.
type harness struct {
	t          *testing.T
	store      *store.Store
	dispatcher *dispatcher
	control    *control
	engine     *engine
	logs       *buffer
	handler    http.Handler
}

func newHarness(t *testing.T, options ...func(*api.Deps)) *harness {
	t.Helper()
	h := &harness{
		t: t, store: openStore(t),
		dispatcher: &dispatcher{}, control: &control{}, engine: &engine{}, logs: &buffer{},
	}
	deps := api.Deps{
		Store: h.store, Dispatcher: h.dispatcher, Control: h.control, Destinations: destinations{}, Engine: h.engine, APIKey: apiKey,
		UIURL: "http://ui.test/", Namespace: "posthaste", Version: "1.2.3",
		Logger: slog.New(slog.NewJSONHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, option := range options {
		option(&deps)
	}
	handler, err := api.New(deps)
	require.NoError(t, err)
	h.handler = handler
	return h
}

// on is the same harness for a subtest.
func (h *harness) on(t *testing.T) *harness {
	t.Helper()
	same := *h
	same.t = t
	return &same
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	keys, err := keyring.Parse(keyring.New())
	require.NoError(t, err)
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "test.db"), Keys: keys})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)
	return s
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// do sends a request with the right key. Headers come in pairs; an empty value takes one away.
func (h *harness) do(method, path, body string, headers ...string) *answer {
	h.t.Helper()
	request := h.request(method, path, body)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
			continue
		}
		request.Header.Del(headers[i])
		if headers[i+1] != "" {
			request.Header.Set(headers[i], headers[i+1])
		}
	}
	return h.answer(request)
}

// request has the right key.
func (h *harness) request(method, path, body string) *http.Request {
	request := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+apiKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Host = "localhost:8080"
	return request
}

// answer has the request handled.
func (h *harness) answer(request *http.Request) *answer {
	sent := copyBody(h.t, request)
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, request)
	a := &answer{t: h.t, status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	a.isDeclared(request)
	isDescribed(h.t, request, sent, recorder)
	return a
}

// isDeclared makes sure that a successful answer is of the type that the route table names: its members are all known to
// that type, and written again they give the same bytes, but for white space.
func (a *answer) isDeclared(request *http.Request) {
	a.t.Helper()
	declared := declaredFor(request)
	if a.status/100 != 2 || len(declared) == 0 {
		return
	}
	var sent bytes.Buffer
	require.NoError(a.t, json.Compact(&sent, []byte(a.body)))
	var again []string
	for _, out := range declared {
		value := reflect.New(reflect.TypeOf(out))
		decoder := json.NewDecoder(strings.NewReader(a.body))
		decoder.DisallowUnknownFields()
		if decoder.Decode(value.Interface()) != nil {
			continue
		}
		var written bytes.Buffer
		encoder := json.NewEncoder(&written)
		encoder.SetEscapeHTML(false)
		require.NoError(a.t, encoder.Encode(value.Interface()))
		again = append(again, strings.TrimSpace(written.String()))
	}
	require.Contains(a.t, again, sent.String(), "%s %s", request.Method, request.URL.Path)
}

// declaredFor are the types that the route table names for the answer to a request.
func declaredFor(request *http.Request) []any {
	for _, route := range api.Routes() {
		if route.Method == request.Method && matches(route.Path, request.URL.Path) {
			return route.Out
		}
	}
	return nil
}

// matches reports whether a path is one of those that the pattern of a route stands for.
func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(want, got string) bool {
		return want == got || strings.HasPrefix(want, ":") && got != ""
	})
}

// destinations refuses the one host that the tests call blocked.
type destinations struct{}

func (destinations) Check(_ context.Context, url string) error {
	if strings.Contains(url, "//blocked.example") {
		return errors.New("the address 10.0.0.1 is not public")
	}
	return nil
}

func (h *harness) get(path string) *answer { h.t.Helper(); return h.do(http.MethodGet, path, "") }

// is makes sure of the status and returns the JSON object of the answer.
func (a *answer) is(status int) map[string]any {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	require.Equal(a.t, "application/json", a.header.Get("Content-Type"))
	return a.object()
}

func (a *answer) object() map[string]any {
	a.t.Helper()
	var object map[string]any
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &object), a.body)
	return object
}

// isProblem makes sure that the answer is a well-formed problem and returns its detail.
func (a *answer) isProblem(status int, code models.Code, field string) string {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	p := a.object()
	require.Equal(a.t, "about:blank", p["type"])
	require.Equal(a.t, http.StatusText(status), p["title"])
	require.InDelta(a.t, status, p["status"], 0)
	require.Equal(a.t, string(code), p["code"])
	require.NotEmpty(a.t, p["detail"])
	shown, _ := p["field"].(string)
	require.Equal(a.t, field, shown, a.body)
	detail, _ := p["detail"].(string)
	return detail
}

// publish stores an event through the API and returns its id.
func (h *harness) publish(body string) string {
	h.t.Helper()
	id, _ := h.do(http.MethodPost, "/v1/events", body).is(http.StatusAccepted)["id"].(string)
	return id
}

// subscribe stores a subscription to everything through the API and returns its id.
func (h *harness) subscribe() string {
	h.t.Helper()
	id, _ := h.do(http.MethodPost, "/v1/subscriptions", subscriptionBody).is(http.StatusCreated)["id"].(string)
	return id
}

const (
	eventBody        = `{"type":"order.paid","data":{"n":1}}`
	subscriptionBody = `{"name":"shop","url":"https://example.com/hook","event_types":["*"]}`
)

// deliver makes a delivery of a new event to a new subscription.
func (h *harness) deliver() *models.Delivery {
	h.t.Helper()
	h.subscribe()
	return h.plan(h.publish(eventBody))[0]
}

func (h *harness) plan(eventID string) []*models.Delivery {
	h.t.Helper()
	_, err := h.store.PlanDeliveries(h.t.Context(), eventID, nil)
	require.NoError(h.t, err)
	planned, err := h.store.Deliveries(h.t.Context(), models.DeliveryFilter{EventID: eventID})
	require.NoError(h.t, err)
	return planned
}

// requireNothingStored makes sure that what was refused has left no trace.
func (h *harness) requireNothingStored() {
	h.t.Helper()
	events, err := h.store.Events(context.Background(), models.EventFilter{})
	require.NoError(h.t, err)
	require.Empty(h.t, events)
	subscriptions, err := h.store.Subscriptions(context.Background(), models.SubscriptionFilter{})
	require.NoError(h.t, err)
	require.Empty(h.t, subscriptions)
	require.Empty(h.t, h.dispatcher.ids())
}

// dispatcher remembers which events it was woken for.
type dispatcher struct {
	mu    sync.Mutex
	woken []string
}

func (d *dispatcher) Wake(events ...*models.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, event := range events {
		d.woken = append(d.woken, event.ID)
	}
}

func (d *dispatcher) ids() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.woken
}

type engine struct{ err error }

func (e *engine) Ping(context.Context) error { return e.err }

// broken is a store whose publications fail.
type broken struct {
	api.Store
	err   error
	panic any
}

func (b broken) CreateEvents(context.Context, []*models.Event) ([]models.Created, error) {
	if b.panic != nil {
		panic(b.panic)
	}
	return nil, b.err
}

func withBroken(b broken) func(*api.Deps) {
	return func(deps *api.Deps) { b.Store = deps.Store; deps.Store = b }
}

// buffer is a log that handlers and the test may use at once.
type buffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}

func at(clock time.Time) func(*api.Deps) {
	return func(deps *api.Deps) { deps.Now = func() time.Time { return clock } }
}
