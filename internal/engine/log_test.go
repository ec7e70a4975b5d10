package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/log/tag"
)

func TestLogger(t *testing.T) {
	t.Parallel()
	serving := func() *transition {
		state := &transition{}
		state.over.Store(1)
		return state
	}

	t.Run("passes warnings and errors on, with their tags", func(t *testing.T) {
		t.Parallel()
		log := &logBook{}
		l := newLogger(log.logger(), slog.LevelWarn, serving())
		l.Debug("one")
		l.Info("two")
		require.Empty(t, log.String())
		l.Warn("three", tag.String("k", "v"), tag.Int("n", 4))
		l.Error("four", tag.Error(fmt.Errorf("outer: %w", errors.New("inner"))))
		l.DPanic("five")
		require.Contains(t, log.String(), "level=WARN msg=three component=temporal k=v n=4")
		require.Contains(t, log.String(), `level=ERROR msg=four component=temporal error="outer: inner"`)
		require.Contains(t, log.String(), "level=ERROR msg=five")
	})

	t.Run("panics on what must not return", func(t *testing.T) {
		t.Parallel()
		l := newLogger(discard, slog.LevelWarn, serving())
		require.PanicsWithValue(t, "temporal: over", func() { l.Panic("over") })
		require.PanicsWithValue(t, "temporal: over", func() { l.Fatal("over") })
	})

	t.Run("lowers what is harmless while starting and stopping, and only that", func(t *testing.T) {
		t.Parallel()
		log := &logBook{}
		state := &transition{}
		l := newLogger(log.logger(), slog.LevelWarn, state)
		say := func() string {
			log.b.Reset()
			l.Error("poll", tag.Error(errors.New("conn closed")))
			l.Warn("network dial error")
			l.Error("poll", tag.Error(errors.New("sql: database is closed")))
			l.Error("poll", tag.Error(errors.New("disk full")))
			return log.String()
		}
		require.NotContains(t, say(), "conn closed", "before the start is over")
		state.over.Store(1)
		require.Contains(t, say(), "conn closed", "while serving")
		require.Contains(t, say(), "network dial error")
		state.stopping()
		require.NotContains(t, say(), "conn closed", "after Stop")
		require.NotContains(t, say(), "database is closed")
		require.NotContains(t, say(), "network dial error")
		require.Contains(t, say(), "disk full")
	})

	t.Run("takes for no error that a caller has gone, nor for more than a warning that something is slow", func(t *testing.T) {
		t.Parallel()
		log := &logBook{}
		l := newLogger(log.logger(), slog.LevelWarn, serving())
		l.Error("fetch", tag.Error(fmt.Errorf("read shard: %w", context.Canceled)))
		l.Error("fetch", tag.Error(errors.New("dial tcp 127.0.0.1:5432: operation was canceled")))
		require.Empty(t, log.String())
		l.Error("fetch", tag.Error(fmt.Errorf("read shard: %w", context.DeadlineExceeded)))
		require.Contains(t, log.String(), "level=WARN msg=fetch")
		require.NotContains(t, log.String(), "level=ERROR")
	})

	t.Run("keeps its component apart from the server's", func(t *testing.T) {
		t.Parallel()
		log := &logBook{}
		newLogger(log.logger(), slog.LevelWarn, serving()).Warn("x", tag.ComponentShardContext)
		require.Contains(t, log.String(), "component=temporal temporal_component=")
	})

	t.Run("shows the lowered lines to who asks for everything", func(t *testing.T) {
		t.Parallel()
		log := &logBook{}
		to := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		newLogger(to, slog.LevelDebug, &transition{}).Warn("network dial error")
		require.Contains(t, log.String(), "level=DEBUG")
	})
}
