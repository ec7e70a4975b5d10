package client_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

func TestTimesAndDurationsAreWrittenAsTheServerWritesThem(t *testing.T) {
	t.Parallel()

	east := time.FixedZone("", 2*60*60)
	for want, value := range map[string]any{
		`"2026-11-22T12:00:00.500Z"`: client.Timestamp{Time: noon.In(east)},
		`"2026-11-22T12:00:00.000Z"`: client.Timestamp{Time: noon.Truncate(time.Second)},
		`{"count":0}`:                client.Credentials{},
		`{"events":0,"age":"0s"}`:    client.Backlog{},
		`"90ms"`:                     client.Duration(90 * time.Millisecond),
		`"15s"`:                      client.Duration(15 * time.Second),
		`"5m"`:                       client.Duration(5 * time.Minute),
		`"1h30m"`:                    client.Duration(90 * time.Minute),
		`"24h"`:                      client.Duration(24 * time.Hour),
		`"1h0m5s"`:                   client.Duration(time.Hour + 5*time.Second),
	} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}

	var read client.Timestamp
	require.NoError(t, json.Unmarshal([]byte(`"2026-11-22T12:00:00.500Z"`), &read))
	require.True(t, read.Equal(noon))
}
