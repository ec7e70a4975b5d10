package tracing_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
)

const (
	given     = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// recorded is a Tracer whose spans can be read.
func recorded(t *testing.T) (*tracing.Tracer, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.Background())) })
	return tracing.New(provider), recorder
}

func workOf(traceparent string) *models.Work {
	return &models.Work{
		Event:        &models.Event{ID: "evt_1", Tenant: "acme", Type: "order.paid", Traceparent: traceparent, Data: []byte(`"hunter2"`)},
		Delivery:     &models.Delivery{ID: "dlv_1", Attempts: 2},
		Subscription: &models.Subscription{ID: "sub_1", URL: "https://jo:hunter2@shop.example/hunter2?key=hunter2#hunter2"},
	}
}

func attributesOf(span sdktrace.ReadOnlySpan) map[string]any {
	all := map[string]any{}
	for _, a := range span.Attributes() {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

func TestJoin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ traceparent, want string }{
		"a sampled one":                  {given, given},
		"one that is not sampled":        {unsampled, unsampled},
		"one of a later version":         {"cc" + given[2:] + "-what-comes-later", given},
		"none":                           {"", ""},
		"no text of the kind":            {"hello", ""},
		"upper case":                     {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", ""},
		"a trace of zeros":               {"00-00000000000000000000000000000000-b7ad6b7169203331-01", ""},
		"a span of zeros":                {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", ""},
		"version ff":                     {"ff" + given[2:], ""},
		"more than version 00 has":       {given + "-01", ""},
		"white space":                    {given + " ", ""},
		"a line that would be a new one": {given[:54] + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tracing.Traceparent(tracing.Join(t.Context(), tc.traceparent)))
		})
	}
}

func TestJoinRequest(t *testing.T) {
	t.Parallel()
	join := func(values ...string) string {
		header := http.Header{"Tracestate": {"a=1"}, "Traceparent": values}
		ctx := tracing.JoinRequest(t.Context(), header)
		require.Empty(t, trace.SpanContextFromContext(ctx).TraceState().String(), "it may say what is for nobody else")
		return tracing.Traceparent(ctx)
	}
	require.Equal(t, given, join(given))
	require.Empty(t, join())
	require.Empty(t, join(given, unsampled), "nobody knows which one is meant")
}

// TestOneTrace follows an event from its publisher to its receiver.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	tracer, recorder := recorded(t)
	ctx, publishing := tracer.Publish(tracing.Join(t.Context(), given))
	event := &models.Event{ID: "evt_1", Tenant: "acme", Type: "order.paid", Traceparent: tracing.Traceparent(ctx)}
	publishing.Published([]models.Created{{Event: event}}, nil)

	began := time.Now().Add(-time.Second)
	ctx = tracer.Plan(t.Context(), began, models.Planned{
		EventRef: models.EventRef{EventID: "evt_1", EventType: "order.paid"}, Tenant: "acme", Deliveries: 3, Traceparent: event.Traceparent,
	})
	require.True(t, trace.SpanContextFromContext(ctx).IsValid(), "for the log")

	ctx, attempting := tracer.Attempt(t.Context(), workOf(event.Traceparent))
	sent := tracing.Traceparent(ctx)
	attempting.Attempted(&models.Attempt{Exchange: models.Exchange{Status: 503, ErrorClass: models.ErrorStatus}},
		models.DeliveryOutcome{Status: models.DeliveryPending})

	spans := recorder.Ended()
	require.Len(t, spans, 3)
	publish, plan, attempt := spans[0], spans[1], spans[2]
	for i, name := range []string{"publish", "plan", "attempt"} {
		require.Equal(t, name, spans[i].Name())
		require.Equal(t, given[3:35], spans[i].SpanContext().TraceID().String())
	}
	require.Equal(t, given[36:52], publish.Parent().SpanID().String())
	require.Equal(t, publish.SpanContext().SpanID(), plan.Parent().SpanID())
	require.Equal(t, publish.SpanContext().SpanID(), attempt.Parent().SpanID())
	require.Equal(t, sent[36:52], attempt.SpanContext().SpanID().String())
	require.Equal(t, []trace.SpanKind{trace.SpanKindServer, trace.SpanKindInternal, trace.SpanKindClient},
		[]trace.SpanKind{publish.SpanKind(), plan.SpanKind(), attempt.SpanKind()})
	require.Equal(t, began, plan.StartTime())

	event1 := map[string]any{"posthaste.tenant": "acme", "posthaste.event.id": "evt_1", "posthaste.event.type": "order.paid"}
	with := func(more map[string]any) map[string]any {
		maps.Copy(more, event1)
		return more
	}
	require.Equal(t, with(map[string]any{"posthaste.events": int64(1), "posthaste.event.duplicate": false}), attributesOf(publish))
	require.Equal(t, with(map[string]any{"posthaste.deliveries": int64(3)}), attributesOf(plan))
	require.Equal(t, with(map[string]any{
		"posthaste.delivery.id": "dlv_1", "posthaste.subscription.id": "sub_1", "posthaste.attempt": int64(3),
		"posthaste.delivery.status": "pending", "http.request.method": "POST", "http.response.status_code": int64(503),
		"server.address": "shop.example", "server.port": int64(443), "error.type": "status",
	}), attributesOf(attempt))
	require.Equal(t, codes.Unset, publish.Status().Code)
	require.Equal(t, sdktrace.Status{Code: codes.Error}, attempt.Status())
}

func TestWhatIsNotSampledIsHandedOn(t *testing.T) {
	t.Parallel()
	tracer, recorder := recorded(t)
	ctx, publishing := tracer.Publish(tracing.Join(t.Context(), unsampled))
	publishing.Published([]models.Created{{Event: &models.Event{}}}, nil)
	stored := tracing.Traceparent(ctx)
	require.Regexp(t, "^"+given[:36]+"[0-9a-f]{16}-0[02]$", stored)
	ctx, attempting := tracer.Attempt(t.Context(), workOf(stored))
	attempting.Attempted(&models.Attempt{}, models.DeliveryOutcome{})
	require.Regexp(t, "^"+given[:36]+"[0-9a-f]{16}-0[02]$", tracing.Traceparent(ctx))
	require.NotEqual(t, stored, tracing.Traceparent(ctx))
	require.Empty(t, recorder.Ended())
}

func TestFailures(t *testing.T) {
	t.Parallel()
	busy := models.Errorf(models.CodeBusy, "hunter2")
	for name, tc := range map[string]struct {
		make func(tracer *tracing.Tracer)
		want string
	}{
		"the store is busy": {func(tracer *tracing.Tracer) {
			_, span := tracer.Publish(t.Context())
			span.Published(nil, busy)
		}, "busy"},
		"our fault": {func(tracer *tracing.Tracer) {
			_, span := tracer.Publish(t.Context())
			span.Published(nil, errors.New("hunter2"))
		}, "internal"},
		"the key is taken": {func(tracer *tracing.Tracer) {
			_, span := tracer.Publish(t.Context())
			span.Published([]models.Created{{Err: models.Errorf(models.CodeConflict, "hunter2")}}, nil)
		}, "conflict"},
		"nobody answers": {func(tracer *tracing.Tracer) {
			_, span := tracer.Attempt(t.Context(), workOf(""))
			span.Attempted(&models.Attempt{Exchange: models.Exchange{ErrorClass: models.ErrorTimeout, Error: "hunter2"}}, models.DeliveryOutcome{})
		}, "timeout"},
		"we could not try": {func(tracer *tracing.Tracer) {
			_, span := tracer.Attempt(t.Context(), workOf(""))
			span.NotAttempted()
		}, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, recorder := recorded(t)
			tc.make(tracer)
			spans := recorder.Ended()
			require.Len(t, spans, 1)
			require.Equal(t, sdktrace.Status{Code: codes.Error}, spans[0].Status())
			require.Equal(t, tc.want, attributesOf(spans[0])["error.type"])
			for _, a := range spans[0].Attributes() {
				require.NotContains(t, a.Value.String(), "hunter2", a.Key)
			}
		})
	}
}

func TestServerAddress(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][]any{
		"http://shop.example/in": {"shop.example", int64(80)}, "https://shop.example:8443": {"shop.example", int64(8443)},
		"https://[2001:db8::1]/": {"2001:db8::1", int64(443)}, "://hunter2": {nil, nil},
	} {
		tracer, recorder := recorded(t)
		work := workOf("")
		work.Subscription.URL = url
		_, span := tracer.Attempt(t.Context(), work)
		span.NotAttempted()
		all := attributesOf(recorder.Ended()[0])
		require.Equal(t, want, []any{all["server.address"], all["server.port"]}, url)
	}
}

// TestOffHandsOn requires that what a publisher sent goes on as it came while we make no spans.
func TestOffHandsOn(t *testing.T) {
	t.Parallel()
	var off *tracing.Tracer
	ctx, span := off.Publish(tracing.Join(t.Context(), given))
	span.Published(nil, nil)
	require.Equal(t, given, tracing.Traceparent(ctx))
	require.Equal(t, given, tracing.Traceparent(off.Plan(t.Context(), time.Now(), models.Planned{Traceparent: given})))
	ctx, span = off.Attempt(t.Context(), workOf(given))
	span.Attempted(nil, models.DeliveryOutcome{})
	span.NotAttempted()
	require.Equal(t, given, tracing.Traceparent(ctx))
}

// onTheWay is all that an event without a trace passes on its way.
func onTheWay(ctx context.Context, tracer *tracing.Tracer, header http.Header, created []models.Created, work *models.Work, attempt *models.Attempt) string {
	ctx, publishing := tracer.Publish(tracing.JoinRequest(ctx, header))
	publishing.Published(created, nil)
	tracer.Plan(ctx, time.Time{}, models.Planned{})
	ctx, attempting := tracer.Attempt(ctx, work)
	attempting.Attempted(attempt, models.DeliveryOutcome{})
	return tracing.Traceparent(ctx)
}

func TestOffAllocatesNothing(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process
	header, created, work, attempt := http.Header{"Content-Type": {"application/json"}}, []models.Created{}, workOf(""), &models.Attempt{}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if onTheWay(t.Context(), nil, header, created, work, attempt) != "" {
			panic("there is no trace")
		}
	}))
}

func BenchmarkOff(b *testing.B) {
	header, created, work, attempt := http.Header{}, []models.Created{}, workOf(""), &models.Attempt{}
	b.ReportAllocs()
	for b.Loop() {
		onTheWay(b.Context(), nil, header, created, work, attempt)
	}
}

func BenchmarkOn(b *testing.B) {
	tracer := tracing.New(sdktrace.NewTracerProvider())
	header, created, work, attempt := http.Header{}, []models.Created{{Event: &models.Event{}}}, workOf(given), &models.Attempt{}
	b.ReportAllocs()
	for b.Loop() {
		onTheWay(b.Context(), tracer, header, created, work, attempt)
	}
}
