package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Header is the header that carries a trace from one process to the next, in the form of http.CanonicalHeaderKey.
const Header = "Traceparent"

const key = "traceparent"

// carrier holds the value of the one header that is taken and sent. The header tracestate is neither: it may hold what the
// publisher's own systems tell one another, and would go to strangers.
type carrier string

// Get implements propagation.TextMapCarrier.
func (c *carrier) Get(name string) string {
	if name == key {
		return string(*c)
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (c *carrier) Set(name, value string) {
	if name == key {
		*c = carrier(value)
	}
}

// Keys implements propagation.TextMapCarrier.
func (*carrier) Keys() []string { return []string{key} }

// Join returns a context in the trace of a traceparent. An empty or invalid one changes nothing.
func Join(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	given := carrier(traceparent)
	return propagation.TraceContext{}.Extract(ctx, &given)
}

// JoinRequest is Join for the headers of a request. A header that comes twice is not valid.
func JoinRequest(ctx context.Context, header http.Header) context.Context {
	if values := header[Header]; len(values) == 1 {
		return Join(ctx, values[0])
	}
	return ctx
}

// Traceparent names the context's span, or the span that it has joined, in 55 bytes. It is empty without either.
func Traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	var made carrier
	propagation.TraceContext{}.Inject(ctx, &made)
	return string(made)
}
