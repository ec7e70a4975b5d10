// Package logs makes one log of the lines of several libraries: each field appears once, under a name in snake case, and a
// line that is repeated many times is written once, with a count. A line that belongs to a trace has its trace_id and span_id.
//
//	ours ─────────────────────┐
//	Temporal ──▶ NewRepeats ──┴──▶ New ──▶ text or JSON
package logs
