package client_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

var order = client.Event{Type: "order.paid", Data: map[string]any{"id": 42}}

func TestPublish(t *testing.T) {
	t.Parallel()

	t.Run("sends the event with key and headers", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(http.StatusAccepted, accepted))
		_, err := c.Publish(t.Context(), client.Event{
			Tenant: "acme", Type: "order.paid", Data: map[string]any{"id": 42},
			Metadata: map[string]string{"region": "eu"}, IdempotencyKey: "order-42-paid",
		})
		require.NoError(t, err)
		require.Len(t, bundle.seen(), 1)
		require.JSONEq(t, `{"tenant":"acme","type":"order.paid","data":{"id":42},
			"metadata":{"region":"eu"},"idempotency_key":"order-42-paid"}`, bundle.seen()[0].body)
		require.Equal(t, "POST /v1/events", bundle.seen()[0].path)
		require.Equal(t, "Bearer "+apiKey, bundle.seen()[0].header.Get("Authorization"))
		require.Equal(t, "application/json", bundle.seen()[0].header.Get("Content-Type"))
	})

	t.Run("gives back what the server says, and ignores what it does not know", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusAccepted, accepted))
		published, err := c.Publish(t.Context(), order)
		require.NoError(t, err)
		require.Equal(t, &client.Published{
			ID: "evt_1", Tenant: "default", Type: "order.paid",
			CreatedAt: client.Timestamp{Time: time.Date(2026, 11, 21, 10, 0, 0, 5e8, time.UTC)},
			Links:     client.Links{Self: "/v1/events/evt_1"},
		}, published)
	})

	t.Run("says when the event was there already", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusAccepted, `{"id":"evt_1","duplicate":true}`))
		published, err := c.Publish(t.Context(), order)
		require.NoError(t, err)
		require.True(t, published.Duplicate)
	})

	t.Run("leaves optional fields out", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(http.StatusAccepted, accepted))
		_, err := c.Publish(t.Context(), client.Event{Type: "ping", IdempotencyKey: "k"})
		require.NoError(t, err)
		require.Equal(t, `{"type":"ping","idempotency_key":"k","data":null}`, bundle.seen()[0].body)
	})

	t.Run("makes another key for each call without one", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(http.StatusAccepted, accepted))
		for range 2 {
			_, err := c.Publish(t.Context(), order)
			require.NoError(t, err)
		}
		keys := bundle.keys(t)
		require.True(t, len(keys[0]) >= 26, keys[0]) // 128 bits in base32
		require.NotEqual(t, keys[0], keys[1])
		require.Empty(t, order.IdempotencyKey)
	})
}

func TestPublishData(t *testing.T) {
	t.Parallel()

	written := map[string]struct {
		data any
		want string
	}{
		"passes raw JSON on byte for byte": {json.RawMessage(" { \"b\" : 1.50,\n\"a\":\"<&>\\u00e9\" } "), " { \"b\" : 1.50,\n\"a\":\"<&>\\u00e9\" } "},
		"writes a nil raw message as null": {json.RawMessage(nil), "null"},
		"writes a struct by its tags": {struct {
			N int `json:"n"`
		}{7}, `{"n":7}`},
		"leaves signs of HTML as they are":     {map[string]string{"url": "https://x/?a=1&b=<2>"}, `{"url":"https://x/?a=1&b=<2>"}`},
		"writes bytes as base64, as JSON does": {[]byte("hi"), `"aGk="`},
	}
	for name, tc := range written {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, answer(http.StatusAccepted, accepted))
			_, err := c.Publish(t.Context(), client.Event{Type: "a", Data: tc.data, IdempotencyKey: "k"})
			require.NoError(t, err)
			require.Equal(t, `{"type":"a","idempotency_key":"k","data":`+tc.want+`}`, bundle.seen()[0].body)
		})
	}

	refused := map[string]any{
		"refuses a value JSON cannot hold":          make(chan int),
		"refuses raw text that is no JSON":          json.RawMessage("{"),
		"refuses an empty raw message":              json.RawMessage{},
		"refuses raw text that would add fields":    json.RawMessage(`1,"tenant":"other"`),
		"refuses raw text that closes the document": json.RawMessage(`1}{`),
	}
	for name, data := range refused {
		t.Run(name+", without asking the server", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, answer(http.StatusAccepted, accepted))
			_, err := c.Publish(t.Context(), client.Event{Type: "a", Data: data})
			require.ErrorIs(t, err, client.ErrInvalid)
			require.Empty(t, bundle.seen())
		})
	}
}
