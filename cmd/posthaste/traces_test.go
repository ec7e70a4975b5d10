package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
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

// told keeps the header traceparent of each request, by the trace in it, and answers 204.
type told struct {
	mu   sync.Mutex
	seen map[string]string
}

func (r *told) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	traceparent := request.Header.Get("Traceparent")
	r.seen[traceparent[3:35]] = traceparent
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
			collector.Wait(t, 3*made)
			requireOneTrace(t, collector.Spans(), trace, receiver)
		}
	}
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

// requireOneTrace requires that the trace is that of one event, delivered at once.
func requireOneTrace(t *testing.T, all []*tracepb.Span, trace string, receiver *told) {
	t.Helper()
	spans := map[string]*tracepb.Span{}
	for _, span := range all {
		if hex.EncodeToString(span.GetTraceId()) == trace {
			spans[span.GetName()] = span
		}
	}
	require.Equal(t, []string{"attempt", "plan", "publish"}, slices.Sorted(maps.Keys(spans)))
	publish, plan, attempt := spans["publish"], spans["plan"], spans["attempt"]
	require.Equal(t, "00000000000000ff", hex.EncodeToString(publish.GetParentSpanId()))
	require.Equal(t, publish.GetSpanId(), plan.GetParentSpanId())
	require.Equal(t, publish.GetSpanId(), attempt.GetParentSpanId())
	require.Equal(t, attributeOf(publish, "posthaste.event.id"), attributeOf(attempt, "posthaste.event.id"))
	require.Equal(t, attributeOf(publish, "posthaste.event.id"), attributeOf(plan, "posthaste.event.id"))
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
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
