package activities_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/testsuite"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/internal/courier"
	"github.com/posthaste/posthaste/internal/logs"
	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
)

// wire keeps the header traceparent of what is sent, by delivery, and answers 204.
type wire struct {
	mu   sync.Mutex
	sent map[string]string
}

func (w *wire) Send(_ context.Context, request safehttp.Request) (models.Exchange, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[strings.Join(request.Header["X-Webhook-Delivery"], "")] = strings.Join(request.Header["traceparent"], "")
	return models.Exchange{Status: http.StatusNoContent}, nil
}

// traced has the activities of a bundle make spans.
func traced(t *testing.T, b *bundle, tracer *tracing.Tracer, log *slog.Logger) *wire {
	t.Helper()
	w := &wire{sent: map[string]string{}}
	var err error
	b.acts, err = activities.New(activities.Deps{
		Store: b, Courier: courier.NewHTTP(courier.HTTPOptions{Sender: w}), Control: b.control, Logger: log, Tracer: tracer,
	})
	require.NoError(t, err)
	var suite testsuite.WorkflowTestSuite
	b.env = suite.NewTestActivityEnvironment()
	b.env.RegisterActivity(b.acts)
	return w
}

func recorded(t *testing.T) (*tracing.Tracer, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.Background())) })
	return tracing.New(provider), recorder
}

// Traces of two events.
var given = []string{
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

// publish stores an event for each of the traces.
func (b *bundle) publish(t *testing.T) (ids []string) {
	t.Helper()
	b.deliveries(t, 0) // makes the subscription
	var events []*models.Event
	for _, traceparent := range given {
		event := models.NewEvent(models.Event{Type: "a", Data: []byte("{}"), Traceparent: traceparent}, time.Now())
		events, ids = append(events, event), append(ids, event.ID)
	}
	_, err := b.CreateEvents(t.Context(), events)
	require.NoError(t, err)
	return ids
}

// deliver plans and attempts the events in each of the ways in which workflows do.
var deliver = map[string]func(t *testing.T, b *bundle, ids []string){
	"one by one": func(t *testing.T, b *bundle, ids []string) {
		t.Helper()
		for _, id := range ids {
			for range 2 { // as when the answer of the first was lost
				_, err := b.env.ExecuteActivity(b.acts.PlanDeliveries, activities.PlanDeliveriesInput{EventID: id})
				require.NoError(t, err)
			}
			targets, err := b.Targets(t.Context(), id, 0, 1)
			require.NoError(t, err)
			require.NoError(t, b.attempt(activities.AttemptDeliveryInput{DeliveryID: targets[0].DeliveryID}))
		}
	},
	"as a group": func(t *testing.T, b *bundle, ids []string) {
		t.Helper()
		_, err := b.env.ExecuteActivity(b.acts.DeliverGroup, activities.DeliverGroupInput{EventIDs: ids})
		require.NoError(t, err)
		activities.Wait(b.acts)
	},
}

// TestPlansAndAttemptsAreInTheTraceOfTheirEvent requires that the span of an attempt is what its receiver is told.
func TestPlansAndAttemptsAreInTheTraceOfTheirEvent(t *testing.T) {
	t.Parallel()
	for name, do := range deliver {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			b := setupOn(t, store.Options{Path: filepath.Join(t.TempDir(), "x.db")})
			tracer, recorder := recorded(t)
			w := traced(t, b, tracer, slog.New(logs.New(&log, true, slog.LevelDebug)))
			ids := b.publish(t)
			do(t, b, ids)
			require.Len(t, recorder.Ended(), 4)
			for i, id := range ids {
				targets, err := b.Deliveries(t.Context(), models.DeliveryFilter{EventID: id, Page: models.Page{Limit: 1}})
				require.NoError(t, err)
				spans := slices.DeleteFunc(recorder.Ended(), func(s sdktrace.ReadOnlySpan) bool {
					return s.SpanContext().TraceID().String() != given[i][3:35]
				})
				require.Len(t, spans, 2)
				require.Equal(t, []string{"plan", "attempt"}, []string{spans[0].Name(), spans[1].Name()})
				for _, span := range spans {
					require.Equal(t, given[i][36:52], span.Parent().SpanID().String())
					require.Contains(t, log.String(), `"trace_id":"`+given[i][3:35]+`","span_id":"`+span.SpanContext().SpanID().String()+`"`)
				}
				require.Equal(t, given[i][:36]+spans[1].SpanContext().SpanID().String()+"-01", w.sent[targets[0].ID])
			}
			require.Equal(t, 2, strings.Count(log.String(), `"msg":"event.planned"`), "once each")
		})
	}
}

// TestReceiversAreToldTheTraceOfThePublisherWhileThereAreNoSpans requires that it is handed on as it came.
func TestReceiversAreToldTheTraceOfThePublisherWhileThereAreNoSpans(t *testing.T) {
	t.Parallel()
	for name, do := range deliver {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := traced(t, b, nil, slog.New(slog.DiscardHandler))
			ids := b.publish(t)
			do(t, b, ids)
			require.Len(t, w.sent, 2)
			for i, id := range ids {
				targets, err := b.Deliveries(t.Context(), models.DeliveryFilter{EventID: id, Page: models.Page{Limit: 1}})
				require.NoError(t, err)
				require.Equal(t, given[i], w.sent[targets[0].ID])
			}
		})
	}
}
