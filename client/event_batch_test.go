package client_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

const batchAnswer = `{"results":[
	{"id":"evt_1","duplicate":false},
	{"error":{"type":"about:blank","title":"t","status":422,"code":"invalid","detail":"type is empty","field":"events[1].type"}},
	{"id":"evt_3","duplicate":true,"error":null}]}`

func TestPublishBatch(t *testing.T) {
	t.Parallel()

	three := []client.Event{order, {Data: 1}, {Type: "order.paid", IdempotencyKey: "mine"}}

	t.Run("gives one result for each event in order", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusAccepted, batchAnswer))
		results, err := c.PublishBatch(t.Context(), three)
		require.NoError(t, err)
		require.Equal(t, []client.BatchResult{
			{ID: "evt_1"},
			{Err: &client.Error{Status: 422, Code: "invalid", Detail: "type is empty", Field: "events[1].type"}},
			{ID: "evt_3", Duplicate: true},
		}, results)
		requireOnly(t, results[1].Err, client.ErrInvalid)
	})

	t.Run("tells the id of the request with each refusal", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "req-7")
			answer(http.StatusAccepted, batchAnswer)(w, r)
		})
		results, err := c.PublishBatch(t.Context(), three)
		require.NoError(t, err)
		require.ErrorContains(t, results[1].Err, "[request req-7]")
	})

	t.Run("gives each event a key, keeps the caller's, and all of them over a retry", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, cut, answer(503, ""), answer(http.StatusAccepted, batchAnswer))
		_, err := c.PublishBatch(t.Context(), three)
		require.NoError(t, err)
		require.Len(t, bundle.seen(), 3)
		require.Equal(t, bundle.seen()[0].body, bundle.seen()[2].body)
		require.Equal(t, "POST /v1/events/batch", bundle.seen()[0].path)

		var sent struct {
			Events []struct {
				Key string `json:"idempotency_key"`
			} `json:"events"`
		}
		require.NoError(t, json.Unmarshal([]byte(bundle.seen()[0].body), &sent))
		require.Len(t, sent.Events, 3)
		require.NotEmpty(t, sent.Events[0].Key)
		require.NotEqual(t, sent.Events[0].Key, sent.Events[1].Key)
		require.Equal(t, "mine", sent.Events[2].Key)
		require.Empty(t, three[0].IdempotencyKey)
	})

	t.Run("passes raw data on byte for byte", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(http.StatusAccepted, `{"results":[{"id":"evt_1"}]}`))
		_, err := c.PublishBatch(t.Context(), []client.Event{{Type: "a", Data: json.RawMessage("{ \"x\" :1 }"), IdempotencyKey: "k"}})
		require.NoError(t, err)
		require.Equal(t, `{"events":[{"type":"a","idempotency_key":"k","data":{ "x" :1 }}]}`, bundle.seen()[0].body)
	})

	t.Run("takes a thousand events and refuses one more without asking", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(http.StatusRequestEntityTooLarge, ""))
		_, err := c.PublishBatch(t.Context(), make([]client.Event, client.MaxBatch))
		requireOnly(t, err, client.ErrTooLarge)
		_, err = c.PublishBatch(t.Context(), make([]client.Event, client.MaxBatch+1))
		requireOnly(t, err, client.ErrInvalid)
		require.Len(t, bundle.seen(), 1)
	})

	t.Run("asks nothing for no events", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(500, ""))
		results, err := c.PublishBatch(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, results)
		require.Empty(t, bundle.seen())
	})

	t.Run("names the event whose data cannot be written", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(500, ""))
		_, err := c.PublishBatch(t.Context(), []client.Event{order, {Type: "a", Data: func() {}}})
		require.ErrorIs(t, err, client.ErrInvalid)
		require.ErrorContains(t, err, "event 1")
		require.Empty(t, bundle.seen())
	})
}

func TestPublishBatchAnswers(t *testing.T) {
	t.Parallel()

	meanings := map[string]error{
		"invalid": client.ErrInvalid, "unauthorized": client.ErrUnauthorized, "conflict": client.ErrConflict,
		"too_large": client.ErrTooLarge, "unavailable": client.ErrUnavailable, "internal": client.ErrUnavailable,
		"not_found": client.ErrNotFound, "added_later": nil,
	}
	for code, want := range meanings {
		t.Run("an item without a status has the meaning of its code "+code, func(t *testing.T) {
			t.Parallel()
			c, _ := setup(t, nil, answer(http.StatusAccepted, `{"results":[{"error":{"code":"`+code+`"}}]}`))
			results, err := c.PublishBatch(t.Context(), []client.Event{order})
			require.NoError(t, err)
			requireOnly(t, results[0].Err, want)
		})
	}

	unreadable := map[string]string{
		"too few results":                 `{"results":[]}`,
		"too many results":                `{"results":[{"id":"evt_1"},{"id":"evt_2"}]}`,
		"a result with neither":           `{"results":[{}]}`,
		"no results at all":               `{}`,
		"results in another form":         `{"results":{"id":"evt_1"}}`,
		"something that is not even JSON": `ok`,
	}
	for name, body := range unreadable {
		t.Run("an answer with "+name+" is an error", func(t *testing.T) {
			t.Parallel()
			c, _ := setup(t, nil, answer(http.StatusAccepted, body))
			_, err := c.PublishBatch(t.Context(), []client.Event{order})
			requireOnly(t, err, client.ErrAnswer)
		})
	}
}
