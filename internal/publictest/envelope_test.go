package publictest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// What package webhook reads as an event is what the server sends by default.
func TestParseEventReadsTheEnvelope(t *testing.T) {
	t.Parallel()

	at := time.Date(2026, 11, 22, 12, 0, 0, 5e8, time.UTC)
	event := &models.Event{ID: "evt_1", Type: "order.paid", Data: []byte(`{ "id" :42.0}`), CreatedAt: at}
	got, err := webhook.ParseEvent(models.Body(event, &models.Delivery{Properties: []byte(`{"region":"eu"}`)}))
	require.NoError(t, err)
	properties := map[string]json.RawMessage{"region": json.RawMessage(`"eu"`)}
	require.Equal(t, webhook.Event{Type: "order.paid", Timestamp: at, Data: event.Data, Properties: properties}, got)

	for _, other := range []models.Payload{models.PayloadData, models.PayloadCloudEvents} {
		_, err := webhook.ParseEvent(models.Body(event, &models.Delivery{Payload: other}))
		require.ErrorIs(t, err, webhook.ErrNoEvent, other)
	}
}
