package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/tracing/otlptest"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// told keeps the header traceparent of the last request of each trace. It answers 503 to so many requests, and then 204.
type told struct {
	mu       sync.Mutex
	seen     map[string]string
	failures int
}

func (r *told) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	traceparent := request.Header.Get("Traceparent")
	r.seen[traceparent[3:35]] = traceparent
	if r.failures > 0 {
		r.failures--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// devTraced starts dev with a collector, and a tenant for each delivery mode, named like it.
func devTraced(t *testing.T, collector string) *node {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	c := devCmd{
		API:      config.API{Listen: "127.0.0.1:0", MaxBody: 1 << 20},
		DevStore: config.DevStore{Data: t.TempDir()},
		Delivery: config.Delivery{TenantModes: map[string]string{"child": "child", "inline": "inline", "grouped": "grouped", "auto": "auto"}},
		Engine:   config.Engine{TemporalListen: "127.0.0.1:0", UIListen: "127.0.0.1:0", HistoryRetention: 24 * time.Hour},
	}
	n := newNode(quiet)
	t.Cleanup(func() { require.NoError(t, n.stop(), "even if the collector is away") })
	require.NoError(t, c.start(t.Context(), n))
	return n
}

// subscribeOf stores a subscription of a tenant for all events.
func (n *node) subscribeOf(t *testing.T, tenant, url string) {
	t.Helper()
	require.NoError(t, n.store.CreateSubscription(t.Context(), models.NewSubscription(models.Subscription{
		Tenant: tenant, URL: url, EventTypes: []string{"*"}, Secrets: []models.Secret{{Value: webhook.NewSecret().Reveal()}},
		RetrySchedule: []time.Duration{time.Millisecond},
	}, time.Now())))
}

// publishTraced publishes an event in a trace.
func (n *node) publishTraced(t *testing.T, tenant, traceparent string) {
	t.Helper()
	body := strings.NewReader(`{"tenant":"` + tenant + `","type":"order.paid","data":{"card":"hunter2"}}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.apiURL()+"/v1/events", body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Traceparent", traceparent)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, response.StatusCode, string(answer))
}

// TestOneTraceFromPublisherToReceiver publishes in each delivery mode: first to a subscriber that nobody knows, then to one that is
// known to answer fast.
func TestOneTraceFromPublisherToReceiver(t *testing.T) { //nolint:paralleltest // it sets the environment
	collector, receiver := otlptest.Start(t), &told{seen: map[string]string{}}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	n := devTraced(t, collector.URL)
	made := 0
	for _, mode := range []string{"child", "inline", "grouped", "auto"} {
		n.subscribeOf(t, mode, server.URL+"/in?key=hunter2")
		for range 2 {
			made++
			trace := fmt.Sprintf("%032x", made)
			n.publishTraced(t, mode, "00-"+trace+"-00000000000000ff-01")
			spans := spansOf(t, collector, trace, 3)
			requireOneTrace(t, spans, receiver)
			event, err := n.store.Event(t.Context(), attributeOf(spans[0], "posthaste.event.id"))
			require.NoError(t, err)
			require.Equal(t, mode == "grouped", event.PlannedBy != "")
		}
	}
	receiver.mu.Lock()
	receiver.failures = 1
	receiver.mu.Unlock()
	n.publishTraced(t, "child", fmt.Sprintf("00-%032x-00000000000000ff-01", 99))
	spans := spansOf(t, collector, fmt.Sprintf("%032x", 99), 4)
	requireOneTrace(t, slices.Delete(slices.Clone(spans), 2, 3), receiver)
	require.Equal(t, []string{"attempt", "pending", "delivered"},
		[]string{spans[2].GetName(), attributeOf(spans[2], "posthaste.delivery.status"), attributeOf(spans[3], "posthaste.delivery.status")})
	require.Equal(t, spans[0].GetSpanId(), spans[2].GetParentSpanId())
	for _, resource := range collector.Resources() {
		require.NotContains(t, resource.String(), "hunter2")
	}
}

// TestDeliveriesDoNotWaitForACollector has one that takes what it gets and does not answer, and a queue of one span.
func TestDeliveriesDoNotWaitForACollector(t *testing.T) { //nolint:paralleltest // it sets the environment
	answer := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-answer }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(answer) })
	receiver := &told{seen: map[string]string{}}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
	n := devTraced(t, hanging.URL)
	n.subscribeOf(t, "auto", server.URL)
	for i := range 20 {
		n.publishTraced(t, "auto", fmt.Sprintf("00-%032x-00000000000000ff-01", i+1))
	}
	require.Eventually(t, func() bool {
		receiver.mu.Lock()
		defer receiver.mu.Unlock()
		return len(receiver.seen) == 20
	}, deliveryLimit, 10*time.Millisecond)
}

// spansOf waits until the trace has so many spans, and returns them by their start.
func spansOf(t *testing.T, collector *otlptest.Collector, trace string, count int) (spans []*tracepb.Span) {
	t.Helper()
	require.Eventually(t, func() bool {
		spans = slices.DeleteFunc(collector.Spans(), func(span *tracepb.Span) bool { return hex.EncodeToString(span.GetTraceId()) != trace })
		return len(spans) >= count
	}, deliveryLimit, 10*time.Millisecond)
	require.Len(t, spans, count)
	return spans
}

// requireOneTrace requires that the spans are those of one event, and that the receiver was told the last of them.
func requireOneTrace(t *testing.T, spans []*tracepb.Span, receiver *told) {
	t.Helper()
	publish, plan, attempt := spans[0], spans[1], spans[2]
	require.Equal(t, []string{"publish", "plan", "attempt"}, []string{publish.GetName(), plan.GetName(), attempt.GetName()})
	require.Equal(t, "00000000000000ff", hex.EncodeToString(publish.GetParentSpanId()))
	require.Equal(t, publish.GetSpanId(), plan.GetParentSpanId())
	require.Equal(t, publish.GetSpanId(), attempt.GetParentSpanId())
	require.Equal(t, attributeOf(publish, "posthaste.event.id"), attributeOf(attempt, "posthaste.event.id"))
	require.Equal(t, attributeOf(publish, "posthaste.event.id"), attributeOf(plan, "posthaste.event.id"))
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	trace := hex.EncodeToString(attempt.GetTraceId())
	require.Equal(t, "00-"+trace+"-"+hex.EncodeToString(attempt.GetSpanId())+"-01", receiver.seen[trace])
}

func attributeOf(span *tracepb.Span, name string) string {
	for _, a := range span.GetAttributes() {
		if a.GetKey() == name {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}
