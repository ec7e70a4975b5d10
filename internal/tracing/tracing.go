package tracing

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/posthaste/posthaste/models"
)

// The attributes that OpenTelemetry has no name for.
const (
	tenantKey       = attribute.Key("posthaste.tenant")
	eventsKey       = attribute.Key("posthaste.events") // number of events
	eventIDKey      = attribute.Key("posthaste.event.id")
	eventTypeKey    = attribute.Key("posthaste.event.type")
	duplicateKey    = attribute.Key("posthaste.event.duplicate")
	deliveriesKey   = attribute.Key("posthaste.deliveries") // number of deliveries
	deliveryIDKey   = attribute.Key("posthaste.delivery.id")
	statusKey       = attribute.Key("posthaste.delivery.status")
	subscriptionKey = attribute.Key("posthaste.subscription.id")
	attemptKey      = attribute.Key("posthaste.attempt")
)

// ourFault is the error.type of a span in which we have failed ourselves.
const ourFault = string(models.CodeInternal)

// Tracer makes spans. A nil Tracer makes none. Safe for concurrent use.
type Tracer struct{ tracer trace.Tracer }

// New makes a Tracer whose spans the provider takes.
func New(provider trace.TracerProvider) *Tracer {
	return &Tracer{provider.Tracer("github.com/posthaste/posthaste")}
}

// Span is a span that has begun. It must be ended by one of its methods. A nil Span has none to end.
type Span struct{ span trace.Span }

func (t *Tracer) start(ctx context.Context, name string, kind trace.SpanKind, options ...trace.SpanStartOption) (context.Context, *Span) {
	ctx, span := t.tracer.Start(ctx, name, append(options, trace.WithSpanKind(kind))...)
	return ctx, &Span{span}
}

// Publish begins the span of storing events that one request brought. The span is in the trace that the context has joined, or
// begins a trace.
func (t *Tracer) Publish(ctx context.Context) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	return t.start(ctx, "publish", trace.SpanKindServer)
}

// Published ends the span of Publish.
func (s *Span) Published(created []models.Created, err error) {
	if s == nil {
		return
	}
	defer s.span.End()
	if err != nil {
		s.fail(string(models.ErrorCode(err)))
	}
	if !s.span.IsRecording() {
		return
	}
	s.span.SetAttributes(eventsKey.Int(len(created)))
	if len(created) == 1 {
		s.describe(created[0])
	}
}

// describe tells of the one event that a request brought.
func (s *Span) describe(created models.Created) {
	if created.Err != nil {
		s.fail(string(models.ErrorCode(created.Err)))
		return
	}
	s.span.SetAttributes(eventAttributes(created.Event)...)
	s.span.SetAttributes(duplicateKey.Bool(created.Duplicate))
}

func eventAttributes(e *models.Event) []attribute.KeyValue {
	return []attribute.KeyValue{tenantKey.String(e.Tenant), eventIDKey.String(e.ID), eventTypeKey.String(e.Type)}
}

// Plan makes the span of planning an event, which began at a time and has just ended, and returns its context. Before an event is
// read, nobody knows its trace.
func (t *Tracer) Plan(ctx context.Context, began time.Time, planned models.Planned) context.Context {
	ctx = Join(ctx, planned.Traceparent)
	if t == nil {
		return ctx
	}
	ctx, s := t.start(ctx, "plan", trace.SpanKindInternal, trace.WithTimestamp(began))
	defer s.span.End()
	if s.span.IsRecording() {
		s.span.SetAttributes(tenantKey.String(planned.Tenant), eventIDKey.String(planned.EventID),
			eventTypeKey.String(planned.EventType), deliveriesKey.Int(planned.Deliveries))
	}
	return ctx
}

// Attempt begins the span of the next attempt of a delivery, in the trace of its event.
func (t *Tracer) Attempt(ctx context.Context, work *models.Work) (context.Context, *Span) {
	ctx = Join(ctx, work.Event.Traceparent)
	if t == nil {
		return ctx, nil
	}
	ctx, s := t.start(ctx, "attempt", trace.SpanKindClient)
	if s.span.IsRecording() {
		s.span.SetAttributes(eventAttributes(work.Event)...)
		s.span.SetAttributes(deliveryIDKey.String(work.Delivery.ID), subscriptionKey.String(work.Subscription.ID),
			attemptKey.Int(work.Number()), semconv.HTTPRequestMethodKey.String(http.MethodPost))
		s.span.SetAttributes(serverAttributes(work.Subscription.URL)...)
	}
	return ctx, s
}

// serverAttributes are all that a span tells of a URL.
func serverAttributes(text string) []attribute.KeyValue {
	u, err := url.Parse(text)
	if err != nil {
		return nil
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil { // none is given
		port = map[string]int{"http": 80, "https": 443}[u.Scheme]
	}
	return []attribute.KeyValue{semconv.ServerAddress(u.Hostname()), semconv.ServerPort(port)}
}

// Attempted ends the span of Attempt when the receiver has answered, or has failed to.
func (s *Span) Attempted(attempt *models.Attempt, outcome models.DeliveryOutcome) {
	if s == nil {
		return
	}
	defer s.span.End()
	s.span.SetAttributes(statusKey.String(string(outcome.Status)))
	if attempt.Status != 0 {
		s.span.SetAttributes(semconv.HTTPResponseStatusCode(attempt.Status))
	}
	if !attempt.Succeeded() {
		s.fail(string(attempt.ErrorClass))
	}
}

// NotAttempted ends the span of Attempt when we have failed ourselves, before anything was sent.
func (s *Span) NotAttempted() {
	if s == nil {
		return
	}
	s.fail(ourFault)
	s.span.End()
}

// fail marks the span as failed, for a reason that is one of a few words.
func (s *Span) fail(reason string) {
	s.span.SetAttributes(semconv.ErrorTypeKey.String(reason))
	s.span.SetStatus(codes.Error, "")
}
