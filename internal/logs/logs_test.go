package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/posthaste/posthaste/internal/logs"
)

// book is a log that can be read while it is written.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSuffix(b.text.String(), "\n"), "\n")
}

// keys are those of a JSON object as they stand there, those that are there twice included.
func keys(t *testing.T, line string) (all []string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(line))
	_, err := decoder.Token() // {
	require.NoError(t, err)
	for decoder.More() {
		key, err := decoder.Token()
		require.NoError(t, err)
		all = append(all, fmt.Sprint(key))
		var value any
		require.NoError(t, decoder.Decode(&value))
	}
	return all
}

func TestFieldsAreNamedAlikeAndThereOnce(t *testing.T) {
	t.Parallel()
	var b book
	log := slog.New(logs.New(&b, true, slog.LevelInfo)).With("component", "temporal", "Namespace", "posthaste")
	log.Debug("not this")
	log.Warn("this", "component", "shard", "Error", errors.New("gone"), "TaskQueue", "q", "WorkerID", 7, "wf-id", "w",
		"level", "high", "msg", "m", "time", 1, "HTTPStatus", 500)
	require.Len(t, b.lines(), 1)
	require.Equal(t, []string{
		"time", "level", "msg", "component", "namespace", "error", "task_queue", "worker_id", "wf_id", "level_", "msg_", "time_", "http_status",
	}, keys(t, b.lines()[0]))
	require.Contains(t, b.lines()[0], `"component":"shard"`)

	log.WithGroup("inner").Info("that", "Error", 1)
	require.Contains(t, b.lines()[1], `"inner":{"error":1}`)
}

func TestTextIsTheSame(t *testing.T) {
	t.Parallel()
	var b book
	slog.New(logs.New(&b, false, slog.LevelInfo)).Error("this", "Error", "gone", "error", "away")
	require.Contains(t, b.lines()[0], "level=ERROR msg=this error=away")
}

func TestWhatSaysTheSameIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b book
		log := slog.New(logs.NewRepeats(logs.New(&b, true, slog.LevelInfo)))
		say := func() {
			for i := range 1000 {
				log.Error("Operation failed", "error", fmt.Errorf("shard %d: dial 127.0.0.1:%d: refused", i, i))
				log.Error("Operation failed", "error", errors.New("disk full"))
				log.With("error", "lost").Warn("Operation failed")
			}
		}
		say()
		log.Info("said each time")
		log.Info("said each time")
		require.Len(t, b.lines(), 5)
		time.Sleep(logs.Window) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, b.lines(), 8)
		for _, line := range b.lines()[5:] {
			require.Contains(t, line, `"repeated":999`)
		}
		time.Sleep(2 * logs.Window) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, b.lines(), 8, "nothing more was said")
		say()
		require.Len(t, b.lines(), 11, "and now it is new again")
		time.Sleep(logs.Window) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
	})
}

func TestLinesOfATraceNameIt(t *testing.T) {
	t.Parallel()
	var b book
	log := slog.New(logs.New(&b, true, slog.LevelInfo))
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: 2}})
	log.InfoContext(trace.ContextWithSpanContext(t.Context(), span), "this", "event_id", "evt_1")
	log.InfoContext(t.Context(), "that", "event_id", "evt_1")
	require.Contains(t, b.lines()[0], `"event_id":"evt_1","trace_id":"00000000000000000000000000000001","span_id":"0000000000000002"`)
	require.NotContains(t, b.lines()[1], "trace_id")
}
