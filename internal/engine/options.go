package engine

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultRetention is how long a closed workflow stays readable, unless
// [Options.Retention] says otherwise.
const DefaultRetention = 72 * time.Hour

// GCPercent suits a process with an engine (debug.SetGCPercent): garbage grows to
// four times the memory in use. Temporal makes so much garbage that Go's default
// of 100 spends an eighth of all CPU on collecting it; little memory is in use.
const GCPercent = 400

// Options configures [Start].
type Options struct {
	// Listen is the address of the gRPC frontend, for example 127.0.0.1:7233;
	// required. Port 0 picks a free one.
	Listen string
	// Store holds the state, [SQLite] or [Postgres]; required.
	Store Store
	// Namespace is created if missing; required.
	Namespace string

	// UIListen is the address of the Web UI, for example 127.0.0.1:8233. Port 0 picks
	// a free one. Empty means no UI. The UI answers requests to localhost only.
	UIListen string
	// UIColumns are the columns of the Web UI's list of workflows until the reader
	// chooses others: the UI's own labels, or names of search attributes. Empty means
	// the UI's own choice.
	UIColumns []string
	// Retention is the time for which closed workflows stay readable, at least an
	// hour. Zero means DefaultRetention for a new namespace and leaves an existing
	// one as it is; any other value is also applied to an existing one.
	Retention time.Duration
	// SearchAttributes are the names of the namespace's own search attributes, all
	// of type Keyword, at most ten. Missing ones are added; none is ever removed.
	SearchAttributes []string
	// Logger takes the server's log; nil discards it.
	Logger *slog.Logger
	// LogLevel is the least severe line of the server that reaches Logger; nil
	// means warnings and errors.
	LogLevel slog.Leveler
	// Registry gets some of the server's metrics; nil: nobody reads them. It can have
	// those of one engine only.
	Registry prometheus.Registerer
	// Untuned leaves Temporal's own settings as they are, so that the gain by ours can
	// be measured. Do not use it for anything else.
	Untuned bool
}

func (o Options) validate() error {
	switch {
	case o.Listen == "":
		return errors.New("Options.Listen is empty")
	case o.Store == nil:
		return errors.New("Options.Store is nil")
	case o.Namespace == "":
		return errors.New("Options.Namespace is empty")
	case o.Retention != 0 && o.Retention < time.Hour:
		return errors.New("Options.Retention is below one hour")
	}
	return nil
}

// withDefaults fills in the defaults, except for Retention, whose zero value has
// a meaning of its own.
func (o Options) withDefaults() Options {
	o.Logger = cmp.Or(o.Logger, discard)
	if o.LogLevel == nil {
		o.LogLevel = slog.LevelWarn
	}
	return o
}
