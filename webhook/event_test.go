package webhook_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

func TestParseEvent(t *testing.T) {
	t.Parallel()

	t.Run("reads the envelope and leaves the data as they are", func(t *testing.T) {
		t.Parallel()
		event, err := webhook.ParseEvent([]byte(
			`{"type":"order.paid","timestamp":"2026-11-22T12:00:00.5Z","data":{ "id" :42.0},"properties":{"region":"eu"},"added_later":1}`))
		require.NoError(t, err)
		require.Equal(t, webhook.Event{
			Type: "order.paid", Timestamp: time.Date(2026, 11, 22, 12, 0, 0, 5e8, time.UTC), Data: json.RawMessage(`{ "id" :42.0}`),
			Properties: map[string]json.RawMessage{"region": json.RawMessage(`"eu"`)},
		}, event)
	})

	refused := map[string]string{
		"nothing":               "",
		"text that is no JSON":  "order.paid",
		"a body of data":        `{"id":42}`,
		"an envelope of no day": `{"type":"order.paid","data":1}`,
		"an envelope of a word": `{"type":"order.paid","timestamp":"soon","data":1}`,
		"a list":                `[]`,
		"null":                  `null`,
	}
	for name, body := range refused {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			event, err := webhook.ParseEvent([]byte(body))
			require.ErrorIs(t, err, webhook.ErrNoEvent)
			require.Zero(t, event)
		})
	}
}
