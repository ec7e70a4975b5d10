// Package logs makes one log of what several libraries write: each field once and under a name in snake case, whoever
// names it, and what is said again and again said once, with a count.
//
//	ours ─────────────────────┐
//	Temporal ──▶ NewRepeats ──┴──▶ New ──▶ text or JSON
package logs
