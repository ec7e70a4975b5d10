package logs

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"go.opentelemetry.io/otel/trace"
)

// New makes the handler that writes to w, as JSON or as text.
func New(w io.Writer, json bool, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if json {
		return &tidy{next: slog.NewJSONHandler(w, options)}
	}
	return &tidy{next: slog.NewTextHandler(w, options)}
}

// tidy keeps the fields until the line is written, so that no field appears twice: readers of JSON take the last one, or
// refuse the object.
type tidy struct {
	next   slog.Handler
	fields []slog.Attr
}

// Enabled implements slog.Handler.
func (t *tidy) Enabled(ctx context.Context, level slog.Level) bool { return t.next.Enabled(ctx, level) }

// WithAttrs implements slog.Handler.
func (t *tidy) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tidy{next: t.next, fields: slices.Concat(t.fields, attrs)}
}

// WithGroup implements slog.Handler.
func (t *tidy) WithGroup(name string) slog.Handler {
	return &tidy{next: t.next.WithAttrs(once(t.fields)).WithGroup(name)}
}

// Handle implements slog.Handler.
func (t *tidy) Handle(ctx context.Context, record slog.Record) error {
	fields := slices.Clone(t.fields)
	record.Attrs(func(a slog.Attr) bool {
		fields = append(fields, a)
		return true
	})
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		fields = append(fields, slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	line := slog.NewRecord(record.Time, record.Level, record.Message, record.PC)
	line.AddAttrs(once(fields)...)
	return t.next.Handle(ctx, line)
}

// once renames the fields and keeps the last of each name, at the place of the first.
func once(fields []slog.Attr) []slog.Attr {
	places := make(map[string]int, len(fields))
	kept := make([]slog.Attr, 0, len(fields))
	for _, field := range fields {
		field.Key = name(field.Key)
		if place, ok := places[field.Key]; ok {
			kept[place] = field
			continue
		}
		places[field.Key] = len(kept)
		kept = append(kept, field)
	}
	return kept
}

// name returns a key in snake case. It is never the key of a field that each line has.
func name(key string) string {
	runes := []rune(key)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (isLower(runes[i-1]) || unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && isLower(runes[i+1])) {
			b.WriteByte('_')
		}
		if r == '-' || r == ' ' || r == '.' {
			r = '_'
		}
		b.WriteRune(unicode.ToLower(r))
	}
	snake := b.String()
	if slices.Contains([]string{slog.TimeKey, slog.LevelKey, slog.MessageKey, slog.SourceKey}, snake) {
		return snake + "_"
	}
	return snake
}

func isLower(r rune) bool { return unicode.IsLower(r) || unicode.IsDigit(r) }
