package engine

import (
	"context"
	"log/slog"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger lets the server log through slog. The server wraps it with its own
// filters and prefixes, and needs only these seven methods.
type logger struct {
	to    *slog.Logger
	level slog.Leveler // the least severe line that passes
	state *transition
}

var _ log.Logger = logger{}

func newLogger(to *slog.Logger, level slog.Leveler, state *transition) logger {
	return logger{to: to.With("component", "temporal"), level: level, state: state}
}

func (l logger) Debug(msg string, tags ...tag.Tag) { l.log(slog.LevelDebug, msg, tags) }
func (l logger) Info(msg string, tags ...tag.Tag)  { l.log(slog.LevelInfo, msg, tags) }
func (l logger) Warn(msg string, tags ...tag.Tag)  { l.log(slog.LevelWarn, msg, tags) }
func (l logger) Error(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// DPanic panics in a development build of Temporal; here it logs.
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// Panic must not return.
func (l logger) Panic(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	panic("temporal: " + msg)
}

// Fatal must not return either. It panics, because a library should not end the
// process without a trace.
func (l logger) Fatal(msg string, tags ...tag.Tag) { l.Panic(msg, tags...) }

func (l logger) log(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background() // the server's loggers carry none
	passes := func() bool { return level >= l.level.Level() && l.to.Enabled(ctx, level) }
	if !passes() {
		return
	}
	if level = severity(level, l.state, msg, tags); !passes() {
		return
	}
	attrs := make([]slog.Attr, len(tags))
	for i, t := range tags {
		attrs[i] = slog.Any(key(t), value(t))
	}
	l.to.LogAttrs(ctx, level, msg, attrs...)
}

// key returns the key of a tag. The key "component" is our own, and on each line.
func key(t tag.Tag) string {
	if t.Key() == "component" {
		return "temporal_component"
	}
	return t.Key()
}

// value returns the value of a tag. An error is returned as it is: its rendering
// can have two parts, and Value returns only one of them.
func value(t tag.Tag) any {
	if z, ok := t.(tag.ZapTag); ok {
		if err, ok := z.Field().Interface.(error); ok {
			return err
		}
	}
	return t.Value()
}
