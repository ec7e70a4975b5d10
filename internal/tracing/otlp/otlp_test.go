package otlp_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/internal/tracing/otlp"
	"github.com/posthaste/posthaste/internal/tracing/otlptest"
	"github.com/posthaste/posthaste/models"
)

// book is a log that can be read while it is written.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

type process struct {
	*otlp.Exporter
	registry *prometheus.Registry
	log      *book
}

// start starts an exporter with these variables, in pairs.
func start(t *testing.T, queue int, variables ...string) *process {
	t.Helper()
	for i := 0; i < len(variables); i += 2 {
		t.Setenv(variables[i], variables[i+1])
	}
	p := &process{registry: prometheus.NewRegistry(), log: &book{}}
	var err error
	p.Exporter, err = otlp.Start(t.Context(), otlp.Options{
		Version: "1.2.3", Queue: queue, Logger: slog.New(slog.NewTextHandler(p.log, nil)), Registry: p.registry,
	})
	require.NoError(t, err)
	return p
}

// requireSpans requires that so many spans were counted.
func (p *process) requireSpans(t *testing.T, exported, failed, dropped float64) {
	t.Helper()
	found, err := p.registry.Gather()
	require.NoError(t, err)
	counts := map[string]float64{}
	for _, metric := range found[0].GetMetric() {
		counts[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue()
	}
	require.Equal(t, "posthaste_trace_spans_total", found[0].GetName())
	require.Equal(t, map[string]float64{"exported": exported, "failed": failed, "dropped": dropped}, counts)
}

// publish makes a span in a trace.
func publish(ctx context.Context, tracer *tracing.Tracer, traceparent string) string {
	ctx, span := tracer.Publish(tracing.Join(ctx, traceparent))
	span.Published([]models.Created{{Event: &models.Event{ID: "evt_1"}}}, nil)
	return tracing.Traceparent(ctx)
}

const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestSpansReachACollector(t *testing.T) { //nolint:paralleltest // it sets the environment
	collector := otlptest.Start(t)
	p := start(t, 0, "OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL, "OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2",
		"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	made := publish(t.Context(), p.Tracer(), given)
	require.NoError(t, p.Stop(t.Context()))
	spans := collector.Spans()
	require.Len(t, spans, 1, "stopping waits for them")
	require.Equal(t, "publish", spans[0].GetName())
	require.Equal(t, made[3:35]+made[36:52], hex.EncodeToString(spans[0].GetTraceId())+hex.EncodeToString(spans[0].GetSpanId()))
	require.Equal(t, given[36:52], hex.EncodeToString(spans[0].GetParentSpanId()))
	require.Equal(t, "hunter2", collector.Header().Get("X-Key"))
	described := map[string]string{}
	for _, a := range collector.Resources()[0].GetResource().GetAttributes() {
		described[a.GetKey()] = a.GetValue().GetStringValue()
	}
	require.Equal(t, []string{"posthaste", "1.2.3", "test"},
		[]string{described["service.name"], described["service.version"], described["deployment.environment.name"]})
	p.requireSpans(t, 1, 0, 0)
	require.Empty(t, p.log.String())
}

func TestServicesHaveTheNameThatTheOperatorGives(t *testing.T) { //nolint:paralleltest // it sets the environment
	collector := otlptest.Start(t)
	p := start(t, 0, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.URL+"/v1/traces", "OTEL_SERVICE_NAME", "shop")
	publish(t.Context(), p.Tracer(), "")
	require.NoError(t, p.Stop(t.Context()))
	require.Contains(t, collector.Resources()[0].GetResource().String(), `"shop"`)
}

// TestPublishersDecideWhatIsSampled has one that asks for no span, and a sampler that takes none without a publisher.
func TestPublishersDecideWhatIsSampled(t *testing.T) { //nolint:paralleltest // it sets the environment
	collector := otlptest.Start(t)
	p := start(t, 0, "OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL, "OTEL_TRACES_SAMPLER", "parentbased_always_off")
	publish(t.Context(), p.Tracer(), given[:53]+"00")
	publish(t.Context(), p.Tracer(), "")
	publish(t.Context(), p.Tracer(), given)
	require.NoError(t, p.Stop(t.Context()))
	require.Len(t, collector.Spans(), 1)
	p.requireSpans(t, 1, 0, 0)
}

// TestNobodyWaitsForACollector has one that does not answer: spans beyond the bound are dropped and counted, and stopping ends.
func TestNobodyWaitsForACollector(t *testing.T) { //nolint:paralleltest // it sets the environment
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default: // it asks again
		}
		<-answer
	}))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(answer) })
	p := start(t, 10, "OTEL_EXPORTER_OTLP_ENDPOINT", hanging.URL, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
	tracer := p.Tracer()
	for range 4 {
		publish(t.Context(), tracer, given)
	}
	<-asked
	for range 100 {
		publish(t.Context(), tracer, given)
	}
	p.requireSpans(t, 0, 0, 94)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.Stop(ctx), context.DeadlineExceeded)
}

func TestACollectorThatRefusesIsLogged(t *testing.T) { //nolint:paralleltest // it sets the environment
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("no", 10_000), http.StatusUnauthorized)
	}))
	t.Cleanup(refusing.Close)
	p := start(t, 0, "OTEL_EXPORTER_OTLP_ENDPOINT", refusing.URL, "OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2")
	publish(t.Context(), p.Tracer(), given)
	require.NoError(t, p.Stop(t.Context()))
	p.requireSpans(t, 0, 1, 0)
	require.Contains(t, p.log.String(), "level=WARN msg=traces.not_exported error=")
	require.Contains(t, p.log.String(), "401")
	require.NotContains(t, p.log.String(), "hunter2")
	for line := range strings.Lines(p.log.String()) {
		require.Less(t, len(line), 500, "it has little of the answer")
	}
}
