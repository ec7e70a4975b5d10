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
	// Window is how long a line speaks for those that say the same.
	Window = 30 * time.Second

	// maxKinds bounds the memory of lines that are too many kinds to be counted one by one.
	maxKinds = 512
)

// NewRepeats makes a handler that hands the first of the warnings and errors that say the same to next, counts those that
// follow within a Window, and then says how many there were, in the field repeated. Two say the same if level, message and
// error agree but for the words with a digit in them: addresses, ids, counts.
//
// A database that is away for ten seconds is some thousand errors in a Temporal server, and no more than some dozen facts.
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

// kind is lines that say the same.
type kind struct {
	repeated int
	last     slog.Record
	next     slog.Handler // of the last one
}

// Enabled implements slog.Handler.
func (r *repeats) Enabled(ctx context.Context, level slog.Level) bool {
	return r.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (r *repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	failed := r.failed
	for _, a := range attrs {
		failed += errorIn(a)
	}
	return &repeats{next: r.next.WithAttrs(attrs), counts: r.counts, failed: failed}
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

// withDigit is a word that may be different in each of the lines that say the same.
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

// first reports whether the line is the first of its kind. Any other is counted.
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

// report says how many followed the first line of a kind. The next one is a first again.
func (c *counts) report(key string) {
	c.mu.Lock()
	k := c.kinds[key]
	delete(c.kinds, key)
	c.mu.Unlock()
	if k.repeated == 0 {
		return
	}
	k.last.AddAttrs(slog.Int("repeated", k.repeated))
	_ = k.next.Handle(context.Background(), k.last) // as with any line, nobody can be told
}
