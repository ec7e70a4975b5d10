package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/logs"
	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
)

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "00-" + callersTrace + "-b7ad6b7169203331-01"
)

// withTracer makes spans that the recorder has.
func withTracer(t *testing.T) (func(*api.Deps), *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.Background())) })
	return func(d *api.Deps) { d.Tracer = tracing.New(provider) }, recorder
}

// nameOf is the traceparent of a span.
func nameOf(span sdktrace.ReadOnlySpan) string {
	return "00-" + span.SpanContext().TraceID().String() + "-" + span.SpanContext().SpanID().String() + "-" + span.SpanContext().TraceFlags().String()
}

// ways are all on which an event comes in, each of which brings one.
func ways(t *testing.T, h *harness, headers ...string) map[string]func() {
	t.Helper()
	source := h.source(`{` + goodSource + `}`)
	const body = `{"a":1}`
	return map[string]func(){
		"alone": func() { h.do(http.MethodPost, "/v1/events", eventBody, headers...).is(http.StatusAccepted) },
		"in a batch": func() {
			h.do(http.MethodPost, batchPath, `{"events":[`+eventBody+`]}`, headers...).is(http.StatusAccepted)
		},
		"to a source": func() {
			h.post(http.MethodPost, "/in/"+source, body, append([]string{
				"Content-Type", "application/json", "X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=" + sign(hush, body),
			}, headers...)...).isEmpty()
		},
	}
}

func TestEventsStayInTheTraceOfTheirPublisher(t *testing.T) {
	t.Parallel()
	for _, given := range []string{callersSpan, ""} {
		option, recorder := withTracer(t)
		h := newHarness(t, option)
		for name, publish := range ways(t, h, "Traceparent", given) {
			before := len(recorder.Ended())
			publish()
			spans := recorder.Ended()
			require.Len(t, spans, before+1, name)
			span := spans[before]
			require.Equal(t, "publish", span.Name())
			require.Equal(t, given != "", span.Parent().IsValid(), name)
			if given != "" {
				require.Equal(t, callersTrace, span.SpanContext().TraceID().String(), name)
			}
			event := h.events()[0]
			require.Equal(t, nameOf(span), event.Traceparent, name)
			require.Equal(t, event.Traceparent, h.get("/v1/events/" + event.ID).is(http.StatusOK)["traceparent"], name)
		}
	}
}

func TestTracesAreKeptWithoutATracer(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{callersSpan: callersSpan, "": "", "00-theirs": "", callersSpan + "-01": ""} {
		h := newHarness(t)
		for name, publish := range ways(t, h, "Traceparent", given) {
			publish()
			require.Equal(t, want, h.events()[0].Traceparent, "%s %q", name, given)
		}
	}
}

// TestABatchIsOneSpan has events that share the span, and the refused ones beside them.
func TestABatchIsOneSpan(t *testing.T) {
	t.Parallel()
	option, recorder := withTracer(t)
	h := newHarness(t, option)
	h.do(http.MethodPost, batchPath, `{"events":[`+eventBody+`,{},`+eventBody+`]}`, "Traceparent", callersSpan).is(http.StatusAccepted)
	require.Len(t, recorder.Ended(), 1)
	for _, event := range h.events() {
		require.Equal(t, nameOf(recorder.Ended()[0]), event.Traceparent)
	}
	h.do(http.MethodPost, batchPath, `{"events":[{}]}`).is(http.StatusAccepted)
	h.do(http.MethodPost, "/v1/events", `{}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "type")
	require.Len(t, recorder.Ended(), 1, "nothing was published")
}

func TestTheLogOfAPublicationHasItsTrace(t *testing.T) {
	t.Parallel()
	option, recorder := withTracer(t)
	var log buffer
	h := newHarness(t, option, func(d *api.Deps) { d.Logger = slog.New(logs.New(&log, true, slog.LevelDebug)) })
	id := text(t, h.do(http.MethodPost, "/v1/events", eventBody, "Traceparent", callersSpan).is(http.StatusAccepted)["id"])
	span := recorder.Ended()[0].SpanContext()
	require.Contains(t, log.String(), `"event_id":"`+id+`","trace_id":"`+callersTrace+`","span_id":"`+span.SpanID().String()+`"`)
	require.Contains(t, log.String(), `"msg":"event.accepted"`)
	require.Contains(t, log.String(), `"trace_id":"`+callersTrace+`","span_id":"b7ad6b7169203331"`, "the line of the request is in the caller's span")
}
