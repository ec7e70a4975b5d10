// Package tracing makes the spans of an event's way, publish, plan and attempt, and carries their trace from one process to
// the next. It knows the API of OpenTelemetry only; package otlp, below it, exports the spans.
//
//	traceparent of the publisher ──▶ publish ──▶ stored with the event ─┬─▶ plan
//	                                                                    └─▶ attempt ──▶ traceparent of the request
//
// Between processes the trace is the text of a header traceparent (W3C Trace Context), which the event keeps. Within a process
// it is in the context, where the log and the courier find it. Workflow code never sees it: the activities read it with the
// event.
//
// Spans have ids, numbers and words of ours. They never have a payload, the value of a header, a text of a receiver, or of a
// URL more than its host and port: path and query may hold a credential.
//
// A nil *Tracer makes no spans, and allocates nothing. The trace of an event is handed on all the same.
package tracing
