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

// settling is how long after a start the services may still be finding each other.
const settling = 10 * time.Second

// transition knows whether the server is starting or stopping. The zero value
// says that it is.
type transition struct{ over atomic.Int64 } // since when, in Unix nanoseconds; 0 is not yet

// started ends the transition of a start, after some time to settle.
func (t *transition) started() { t.over.Store(time.Now().Add(settling).UnixNano()) }

// stopping begins one that never ends: the last goroutines notice that the server
// is gone some time after Stop has returned.
func (t *transition) stopping() { t.over.Store(math.MaxInt64) }

func (t *transition) underWay() bool {
	over := t.over.Load()
	return over == 0 || time.Now().UnixNano() < over
}

// noConsequence are warnings from which nothing follows here, however often they
// come.
var noConsequence = []string{
	// We have no use for Nexus, nor for the HTTP API that it would need.
	"HTTP API port has not been set.",
	// A call between services carries details that its caller does not want.
	"TrailerToContextMetadataInterceptor: Trailer had metadata but context not wrapped",
	// Nor do numbers for Temporal's own metrics that come too late for the answer to a call which was given up.
	"unable to add metrics baggage to gRPC trailer",
	// The Web UI asks for more of a history than it gets at a time.
	"GetHistory page size is larger than threshold",
}

// transitionMessages are logged while some services of the process are up and
// others are not. They start one after the other and stop the other way round,
// and those that are up complain of those that are not.
var transitionMessages = []string{
	"network dial error",
	"Failed to poll for task.",
	"sql handle: did not refresh database connection pool", // the pool is closed already
}

// gone is the error of a call whose caller does not want its answer any more: a poll of a worker that stops, a step that was
// given up for another. Whoever had a reason to give up says so himself.
const gone = "context canceled"

// slow are the errors of what took longer than it was given and is tried again. A machine that is too busy says so hundreds of
// times a minute, while nothing is wrong but that it is slow.
var slow = []string{"context deadline exceeded", "DeadlineExceeded", "Workflow is busy."}

// severity is what a line is worth to an operator, who is to be woken by errors alone.
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

// transitionCauses are the errors by which a service that comes up or goes down
// interrupts what is in flight. Whatever reports one is told by it, not failing:
// what was not finished is found in the store and done later.
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
	"transport: Error while dialing", // of one service by another
}

// harmless says whether a line that the server takes for a warning or an error is
// neither in one process that starts and stops.
func harmless(t *transition, msg string, tags []tag.Tag) bool {
	if hasAny(msg, noConsequence) || strings.Contains(causes(tags), gone) {
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
