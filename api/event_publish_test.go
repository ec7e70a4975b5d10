package api_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestPublish(t *testing.T) {
	t.Parallel()

	t.Run("answers 202 with id and links once the event is stored, and wakes the dispatcher", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, at(time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))))
		a := h.do(http.MethodPost, "/v1/events", `{"tenant":"acme","type":"order.paid","data":1,"metadata":{"a":"b"}}`)
		got := a.is(http.StatusAccepted)
		id, _ := got["id"].(string)
		require.Equal(t, map[string]any{
			"id": id, "tenant": "acme", "type": "order.paid", "created_at": "2026-03-01T11:00:00.123Z", "duplicate": false,
			"links": map[string]any{
				"self":       "/v1/events/" + id,
				"deliveries": "/v1/deliveries?event_id=" + id,
				"workflow":   "http://ui.test/namespaces/posthaste/workflows/event%2F" + id,
			},
		}, got)
		require.Equal(t, "/v1/events/"+id, a.header.Get("Location"))
		require.Equal(t, []string{id}, h.dispatcher.ids())
		stored, err := h.store.Event(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": "b"}, stored.Metadata)
		require.Equal(t, models.EventAccepted, stored.Status)
	})

	t.Run("stores data byte for byte", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		const data = "{ \"b\" : 1.00,\n\t\"a\":12345678901234567890, \"a\": \"<é\\u00e9>&\" }"
		id := h.publish(`{"data": ` + data + ` , "type":"order.paid"}`)
		stored, err := h.store.Event(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, data, string(stored.Data))
	})

	t.Run("takes null for absent except as data", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.publish(`{"tenant":null,"type":"a","data":null,"metadata":null,"idempotency_key":null}`)
		stored, err := h.store.Event(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "default", stored.Tenant)
		require.Equal(t, "null", string(stored.Data))
	})

	t.Run("data never alters the type", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		got := h.do(http.MethodPost, "/v1/events", `{"type":"a","data":{"type":"b","Type":"c"}}`).is(http.StatusAccepted)
		require.Equal(t, "a", got["type"])
	})

	t.Run("keeps the type case-sensitive and the field names too", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPost, "/v1/events", `{"type":"a","Type":"b","data":1}`).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "Type")
		h.requireNothingStored()
	})
}

func TestPublishIdempotently(t *testing.T) {
	t.Parallel()

	t.Run("same key and content is the first event again, and wakes nobody", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		first := h.do(http.MethodPost, "/v1/events", eventBody, "Idempotency-Key", "k").is(http.StatusAccepted)
		again := h.do(http.MethodPost, "/v1/events", `{"idempotency_key":"k","type":"order.paid","data":{ "n":1 }}`).
			is(http.StatusAccepted)
		require.Equal(t, true, again["duplicate"])
		again["duplicate"] = false
		require.Equal(t, first, again)
		require.Len(t, h.dispatcher.ids(), 1)
	})

	t.Run("same key and other content is a conflict", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPost, "/v1/events", eventBody, "Idempotency-Key", "k").is(http.StatusAccepted)
		h.do(http.MethodPost, "/v1/events", `{"type":"order.paid","data":2}`, "Idempotency-Key", "k").
			isProblem(http.StatusConflict, models.CodeConflict, "idempotency_key")
	})

	t.Run("the same key twice in one request is one key", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPost, "/v1/events", `{"type":"a","data":1,"idempotency_key":"k"}`, "Idempotency-Key", "k").
			is(http.StatusAccepted)
	})

	t.Run("each tenant has its own keys", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.do(http.MethodPost, "/v1/events", `{"tenant":"a","type":"a","data":1}`, "Idempotency-Key", "k").is(http.StatusAccepted)
		got := h.do(http.MethodPost, "/v1/events", `{"tenant":"b","type":"b","data":2}`, "Idempotency-Key", "k").
			is(http.StatusAccepted)
		require.Equal(t, false, got["duplicate"])
	})
}

func TestPublishWhenTheStoreFails(t *testing.T) {
	t.Parallel()

	t.Run("an unknown failure is internal, and its cause is in the log only", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, withBroken(broken{err: errors.New("disk is full")}))
		a := h.do(http.MethodPost, "/v1/events", eventBody, "X-Request-Id", "trace-7")
		require.Equal(t, "internal error", a.isProblem(http.StatusInternalServerError, models.CodeInternal, ""))
		require.Contains(t, h.logs.String(), `"request_id":"trace-7"`)
		require.Contains(t, h.logs.String(), `create events: disk is full`)
		h.requireNothingStored()
	})

	t.Run("an internal failure of ours shows no detail either", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, withBroken(broken{err: models.Errorf(models.CodeInternal, "key ring lacks k1")}))
		a := h.do(http.MethodPost, "/v1/events", eventBody)
		require.Equal(t, "internal error", a.isProblem(http.StatusInternalServerError, models.CodeInternal, ""))
	})

	t.Run("out of time is unavailable", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, withBroken(broken{err: context.DeadlineExceeded}))
		h.do(http.MethodPost, "/v1/events", eventBody).
			isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
		require.Empty(t, h.dispatcher.ids())
	})

	t.Run("a panic is an internal error without a stack, and the next request works", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, withBroken(broken{panic: "out of cheese"}))
		a := h.do(http.MethodPost, "/v1/events", eventBody)
		require.Equal(t, "internal error", a.isProblem(http.StatusInternalServerError, models.CodeInternal, ""))
		require.NotContains(t, a.body, "cheese")
		require.Contains(t, h.logs.String(), "panic: out of cheese")
		require.Contains(t, h.logs.String(), "publish.go")
		h.get("/healthz").is(http.StatusOK)
	})

	t.Run("an aborted handler stays aborted", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, withBroken(broken{panic: http.ErrAbortHandler}))
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { h.do(http.MethodPost, "/v1/events", eventBody) })
	})
}
