package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

const batchPath = "/v1/events/batch"

func TestBatch(t *testing.T) {
	t.Parallel()

	t.Run("answers in order, and bad events do not sink the rest", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		got := h.do(http.MethodPost, batchPath, `{"events":[
			{"type":"a","data":1,"idempotency_key":"k"},
			{"type":7,"data":1},
			{"type":"b","data":2},
			{"type":"b","data":2,"colour":"red"},
			"not an event",
			null,
			{"type":"b"},
			{"type":"a","data":1,"idempotency_key":"k"},
			{"type":"a","data":2,"idempotency_key":"k"},
			{"type":"b","data":2,"metadata":{"x":{}}},
			{"type":"c","data":3}
		]}`).is(http.StatusAccepted)
		results := results(t, got)
		require.Equal(t, []string{"ok", "type", "ok", "colour", "", "", "data", "duplicate", "idempotency_key", "metadata.x", "ok"},
			outcomes(t, results))
		require.Equal(t, results[0]["id"], results[7]["id"])
		stored, err := h.store.Events(t.Context(), models.EventFilter{})
		require.NoError(t, err)
		require.Len(t, stored, 3)
		require.Equal(t, []string{text(t, results[0]["id"]), text(t, results[2]["id"]), text(t, results[10]["id"])}, h.dispatcher.ids())
	})

	t.Run("refused events carry the same problem as a refused publication", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		const bad = `{"type":"","data":1}`
		alone := h.do(http.MethodPost, "/v1/events", bad)
		alone.isProblem(http.StatusBadRequest, models.CodeInvalid, "type")
		got := h.do(http.MethodPost, batchPath, `{"events":[`+bad+`]}`).is(http.StatusAccepted)
		require.Equal(t, []map[string]any{{"error": alone.object()}}, results(t, got))
		h.requireNothingStored()
	})

	t.Run("takes a thousand events and refuses one more", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		of := func(n int) string {
			return `{"events":[` + strings.TrimSuffix(strings.Repeat(eventBody+",", n), ",") + `]}`
		}
		h.do(http.MethodPost, batchPath, of(1001)).isProblem(http.StatusBadRequest, models.CodeInvalid, "events")
		h.requireNothingStored()
		require.Len(t, results(t, h.do(http.MethodPost, batchPath, of(1000)).is(http.StatusAccepted)), 1000)
		require.Len(t, h.dispatcher.ids(), 1000)
	})

	t.Run("stores nothing when the store fails", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, withBroken(broken{err: errors.New("away")}))
		h.do(http.MethodPost, batchPath, `{"events":[`+eventBody+`]}`).
			isProblem(http.StatusInternalServerError, models.CodeInternal, "")
		h.requireNothingStored()
	})

	for name, body := range map[string]string{
		"an empty batch":       `{"events":[]}`,
		"a batch of null":      `{"events":null}`,
		"no batch":             `{}`,
		"a batch that is none": `{"events":{}}`,
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			newHarness(t).do(http.MethodPost, batchPath, body).isProblem(http.StatusBadRequest, models.CodeInvalid, "events")
		})
	}

	t.Run("refuses the header Idempotency-Key, which would be ignored", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPost, batchPath, `{"events":[`+eventBody+`]}`, "Idempotency-Key", "k").
			isProblem(http.StatusBadRequest, models.CodeInvalid, "Idempotency-Key")
		h.requireNothingStored()
	})
}

func results(t *testing.T, got map[string]any) []map[string]any {
	t.Helper()
	list, ok := got["results"].([]any)
	require.True(t, ok)
	found := make([]map[string]any, len(list))
	for i := range list {
		found[i], _ = list[i].(map[string]any)
	}
	return found
}

// outcomes says "ok", "duplicate" or the field at fault of each result.
func outcomes(t *testing.T, results []map[string]any) []string {
	t.Helper()
	said := make([]string, len(results))
	for i, result := range results {
		switch problem, refused := result["error"].(map[string]any); {
		case refused:
			require.Len(t, result, 1)
			said[i], _ = problem["field"].(string)
		case result["duplicate"] == true:
			said[i] = "duplicate"
		default:
			require.Equal(t, false, result["duplicate"])
			said[i] = "ok"
		}
	}
	return said
}

func text(t *testing.T, value any) string {
	t.Helper()
	s, ok := value.(string)
	require.True(t, ok, "%v is not a string", value)
	return s
}
