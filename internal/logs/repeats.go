package logs

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// Window is the time in which repetitions of a line are counted and not written.
	Window = 30 * time.Second

	// maxKinds bounds the kinds of lines that are counted, and thereby the memory.
	maxKinds = 512
)

// NewRepeats makes a handler that passes the first warning or error of each kind to next, counts the lines of the same kind
// that follow within a Window, and then writes their number in the field repeated. Two lines are of the same kind if level,
// message and error agree except for words with a digit in them: addresses, ids, counts.
//
// A database that is away for ten seconds causes some thousand errors in a Temporal server, of only some dozen kinds.
func NewRepeats(next slog.Handler) slog.Handler {
	return &repeats{next: next, counts: &counts{kinds: map[string]*kind{}}}
}

type repeats struct {
	next   slog.Handler
	counts *counts
	failed string // by the fields of WithAttrs
}

type counts struct {
	mu    sync.Mutex
	kinds map[string]*kind
}

// kind counts the lines of one kind.
type kind struct {
	repeated int
	last     slog.Record
	next     slog.Handler // of the last line
}

// Enabled implements slog.Handler.
func (r *repeats) Enabled(ctx context.Context, level slog.Level) bool {
	return r.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (r *repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	var failed strings.Builder
	failed.WriteString(r.failed)
	for _, a := range attrs {
		failed.WriteString(errorIn(a))
	}
	return &repeats{next: r.next.WithAttrs(attrs), counts: r.counts, failed: failed.String()}
}

// WithGroup implements slog.Handler.
func (r *repeats) WithGroup(name string) slog.Handler {
	return &repeats{next: r.next.WithGroup(name), counts: r.counts, failed: r.failed}
}

// Handle implements slog.Handler.
func (r *repeats) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelWarn && !r.counts.first(r.kindOf(record), record, r.next) { //nolint:contextcheck // the count is reported when this line's context has ended
		return nil
	}
	return r.next.Handle(ctx, record)
}

// withDigit matches a word that may differ between lines of the same kind.
var withDigit = regexp.MustCompile(`\S*\d\S*`)

func (r *repeats) kindOf(record slog.Record) string {
	var text strings.Builder
	text.WriteString(record.Level.String() + " " + record.Message + " " + r.failed)
	record.Attrs(func(a slog.Attr) bool {
		text.WriteString(errorIn(a))
		return true
	})
	return withDigit.ReplaceAllString(text.String(), "#")
}

func errorIn(a slog.Attr) string {
	if strings.EqualFold(a.Key, "error") {
		return a.Value.String()
	}
	return ""
}

// first reports whether the line is the first of its kind. Any other line is counted.
func (c *counts) first(key string, record slog.Record, next slog.Handler) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.kinds[key]; ok {
		k.repeated, k.last, k.next = k.repeated+1, record.Clone(), next
		return false
	}
	if len(c.kinds) < maxKinds {
		c.kinds[key] = &kind{}
		time.AfterFunc(Window, func() { c.report(key) })
	}
	return true
}

// report writes the number of lines that followed the first of a kind. The next line counts as a first again.
func (c *counts) report(key string) {
	c.mu.Lock()
	k := c.kinds[key]
	delete(c.kinds, key)
	c.mu.Unlock()
	if k.repeated == 0 {
		return
	}
	k.last.AddAttrs(slog.Int("repeated", k.repeated))
	_ = k.next.Handle(context.Background(), k.last) // an error of the log cannot be logged
}
