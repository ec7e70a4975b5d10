package engine

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/server/common/log/tag"
)

// settling is the time after a start in which the services may still be finding each other.
const settling = 10 * time.Second

// transition knows whether the server is starting or stopping. The zero value:
// it is starting.
type transition struct{ over atomic.Int64 } // the end, in Unix nanoseconds; 0: not known yet

// started ends the transition of a start, after some time to settle.
func (t *transition) started() { t.over.Store(time.Now().Add(settling).UnixNano()) }

// stopping begins a transition that never ends: the last goroutines notice some
// time after Stop has returned that the server has stopped.
func (t *transition) stopping() { t.over.Store(math.MaxInt64) }

func (t *transition) underWay() bool {
	over := t.over.Load()
	return over == 0 || time.Now().UnixNano() < over
}

// noConsequence lists warnings that have no consequence here, however often they
// come.
var noConsequence = []string{
	// We have no use for Nexus, nor for the HTTP API that it would need.
	"HTTP API port has not been set.",
	// A call between services returns details that its caller does not read.
	"TrailerToContextMetadataInterceptor: Trailer had metadata but context not wrapped",
	// The caller has given up the call before the numbers for Temporal's own metrics were added to the answer.
	"unable to add metrics baggage to gRPC trailer",
	// The Web UI asks for larger pages of a history than it gets.
	"GetHistory page size is larger than threshold",
}

// transitionMessages are logged while only some services of the process run. The
// services start one after the other and stop in the reverse order, and the running
// ones complain about the others.
var transitionMessages = []string{
	"network dial error",
	"Failed to poll for task.",
	"sql handle: did not refresh database connection pool", // the pool is closed already
}

// gone is the error of a call that its caller has given up: a poll of a worker that stops, a task that was replaced by
// another. The caller logs the reason itself. A connection that was being made for it has an error of its own.
var gone = []string{"context canceled", "operation was canceled"}

// slow lists the errors of calls that took too long and are tried again. On a busy machine there are hundreds of them a
// minute, although it is only slow.
var slow = []string{"context deadline exceeded", "DeadlineExceeded", "Workflow is busy."}

// severity returns the level of a line for an operator, whom only errors should wake.
func severity(level slog.Level, t *transition, msg string, tags []tag.Tag) slog.Level {
	switch {
	case level < slog.LevelWarn:
		return level
	case harmless(t, msg, tags):
		return slog.LevelDebug
	case hasAny(causes(tags), slow):
		return slog.LevelWarn
	}
	return level
}

// transitionCauses lists the errors with which a starting or stopping service
// interrupts the calls of others. The service that reports such an error has not
// failed: it finds the unfinished work in the store and does it later.
var transitionCauses = []string{
	"conn closed",
	"driver: bad connection",
	"transaction has already been committed or rolled back",
	"sql: database is closed",
	"no usable database connection found",
	"Frontend is not healthy yet",
	"shard status unknown", // not acquired yet
	"shard closed",
	"Shard is owned by",
	"shutting down",
	"transport: Error while dialing", // between services
}

// harmless reports whether a warning or an error of the server means nothing in a
// single process that starts and stops.
func harmless(t *transition, msg string, tags []tag.Tag) bool {
	if hasAny(msg, noConsequence) || hasAny(causes(tags), gone) {
		return true
	}
	return t.underWay() && (hasAny(msg, transitionMessages) || hasAny(causes(tags), transitionCauses))
}

// causes returns the text of the errors among the tags.
func causes(tags []tag.Tag) string {
	var text strings.Builder
	for _, t := range tags {
		if strings.EqualFold(t.Key(), "error") {
			_, _ = fmt.Fprintln(&text, value(t)) // a Builder never fails
		}
	}
	return text.String()
}

func hasAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
