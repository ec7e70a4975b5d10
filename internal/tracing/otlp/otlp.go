// Package otlp sends spans to a collector over OTLP/HTTP. It reads the variables OTEL_… as all programs with OpenTelemetry do:
// endpoint, headers, certificates, timeout, sampler, resource, sizes of batches.
//
// Nothing waits for the collector. Spans that have ended wait in memory, a bounded number of them; what comes beyond it is
// dropped and counted, and so is a batch that the collector does not take within half a minute.
package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/posthaste/posthaste/internal/tracing"
)

const (
	// flushTime bounds how long stopping waits for the collector to take the last spans.
	flushTime = 5 * time.Second
	// maxError is the number of bytes of an error that are logged: it may hold what the collector has answered.
	maxError = 300
)

// Options configures an Exporter. Logger and Registry are required.
type Options struct {
	Version  string // of the program
	Queue    int    // spans that wait for the collector at most; 0: 2048
	Logger   *slog.Logger
	Registry prometheus.Registerer // gets the number of spans by what became of them
}

// Exporter sends spans in the background. Safe for concurrent use.
type Exporter struct{ provider *sdktrace.TracerProvider }

// Start begins to export. It does not look for the collector, which may be away. The errors of a process's last Exporter, and of
// no other, go to its Logger.
func Start(ctx context.Context, o Options) (*Exporter, error) {
	described, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("posthaste"), semconv.ServiceVersion(o.Version)), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) { // of OTEL_RESOURCE_ATTRIBUTES only what can be read counts
		return nil, fmt.Errorf("describe the process for traces: %w", err)
	}
	client, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	reporting := context.WithoutCancel(ctx)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { report(reporting, o.Logger, err) }))
	return &Exporter{sdktrace.NewTracerProvider(sdktrace.WithResource(described), sdktrace.WithSpanProcessor(newQueue(client, o)))}, nil
}

func report(ctx context.Context, log *slog.Logger, err error) {
	text := err.Error()
	log.LogAttrs(ctx, slog.LevelWarn, "traces.not_exported", slog.String("error", text[:min(len(text), maxError)]))
}

// Tracer makes spans that are exported.
func (e *Exporter) Tracer() *tracing.Tracer { return tracing.New(e.provider) }

// Stop exports the spans that wait, for some seconds at most. What ends afterwards is not exported.
func (e *Exporter) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	return e.provider.Shutdown(ctx)
}

// queue lets no more spans wait than it may, so that the one of the SDK, which counts for nobody, never has to drop any.
type queue struct {
	sdktrace.SpanProcessor
	waiting atomic.Int64
	most    int64
	spans   *prometheus.CounterVec
}

func newQueue(client sdktrace.SpanExporter, o Options) *queue {
	most := cmp.Or(o.Queue, sdktrace.DefaultMaxQueueSize)
	q := &queue{most: int64(most), spans: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "posthaste_trace_spans_total",
		Help: "Spans by what became of them: exported, failed (the collector did not take them) or dropped (too many waited for the collector).",
	}, []string{"result"})}
	for _, result := range []string{"exported", "failed", "dropped"} {
		q.spans.WithLabelValues(result)
	}
	o.Registry.MustRegister(q.spans)
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(&counted{client, q}, sdktrace.WithMaxQueueSize(most))
	return q
}

// OnEnd implements sdktrace.SpanProcessor.
func (q *queue) OnEnd(span sdktrace.ReadOnlySpan) {
	switch {
	case !span.SpanContext().IsSampled():
	case q.waiting.Add(1) > q.most:
		q.waiting.Add(-1)
		q.spans.WithLabelValues("dropped").Inc()
	default:
		q.SpanProcessor.OnEnd(span)
	}
}

// counted tells the queue which spans wait no longer.
type counted struct {
	sdktrace.SpanExporter
	queue *queue
}

// ExportSpans implements sdktrace.SpanExporter.
func (c *counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	result := "exported"
	if err != nil {
		result = "failed"
	}
	c.queue.spans.WithLabelValues(result).Add(float64(len(spans)))
	c.queue.waiting.Add(-int64(len(spans)))
	return err
}
