// Package otlptest is a collector for tests: it speaks OTLP/HTTP, with the messages of OpenTelemetry's own definition.
package otlptest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector keeps what is exported to it. Safe for concurrent use.
type Collector struct {
	// URL is for OTEL_EXPORTER_OTLP_ENDPOINT.
	URL string

	mu     sync.Mutex
	taken  []*tracepb.ResourceSpans
	header http.Header
}

// Start starts a collector on this machine, which ends with the test.
func Start(t *testing.T) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request collectorpb.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || err != nil || proto.Unmarshal(body, &request) != nil {
		http.Error(w, "this is no export of spans", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.taken, c.header = append(c.taken, request.GetResourceSpans()...), r.Header.Clone()
	c.mu.Unlock()
	answer, _ := proto.Marshal(&collectorpb.ExportTraceServiceResponse{}) // it is empty
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

// Header has the headers of the last export; nil before it.
func (c *Collector) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header
}

// Resources has the resource of each export, with its spans.
func (c *Collector) Resources() []*tracepb.ResourceSpans {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.taken)
}

// Spans has the spans of all exports, by their start.
func (c *Collector) Spans() (all []*tracepb.Span) {
	for _, resource := range c.Resources() {
		for _, scope := range resource.GetScopeSpans() {
			all = append(all, scope.GetSpans()...)
		}
	}
	slices.SortStableFunc(all, func(a, b *tracepb.Span) int { return int(int64(a.GetStartTimeUnixNano() - b.GetStartTimeUnixNano())) }) //nolint:gosec // the difference is small
	return all
}
