package models_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

var now = time.Date(2026, 11, 21, 23, 46, 42, 807_654_321, time.UTC)

func TestIDs(t *testing.T) {
	t.Parallel()
	var ids []string
	ended := make(chan struct{})
	for range 4 { // others make ids, too
		go func() {
			for {
				select {
				case <-ended:
					return
				default:
					models.NewID(models.EventPrefix)
				}
			}
		}()
	}
	for range 10_000 {
		ids = append(ids, models.NewID(models.EventPrefix))
	}
	close(ended)
	require.True(t, slices.IsSorted(ids), "ids sort in the order they were made")
	require.Len(t, slices.Compact(slices.Clone(ids)), len(ids))
	require.True(t, models.ValidID(models.EventPrefix, ids[0]))
	for _, bad := range []string{"", "evt_", "evt_x", strings.ToUpper(ids[0]), ids[0] + "0", "dlv_" + ids[0][4:], "evt_" + strings.Repeat("u", 26)} {
		require.False(t, models.ValidID(models.EventPrefix, bad), bad)
	}
}

func TestMatching(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, eventType string
		want               bool
	}{
		{"*", "order.paid", true},
		{"order.paid", "order.paid", true},
		{"order.paid", "order.paid.late", false},
		{"order.paid", "Order.paid", false},
		{"order.*", "order.paid", true},
		{"order.*", "order.paid.late", true},
		{"order.*", "order", false},
		{"order.*", "orders.paid", false},
		{"order.paid.*", "order.paid.late", true},
		{"ord*", "order.paid", false},
	} {
		require.Equal(t, tt.want, slices.Contains(models.Patterns(tt.eventType), tt.pattern), "%s ~ %s", tt.pattern, tt.eventType)
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	event := models.NewEvent(models.Event{Type: "order.paid", Data: []byte(`{ "b":1,  "a":"<é>" }`)}, now)

	t.Run("the envelope keeps the data's own bytes", func(t *testing.T) {
		t.Parallel()
		d := &models.Delivery{Payload: models.PayloadEnvelope}
		require.Equal(t, `{"type":"order.paid","timestamp":"2026-11-21T23:46:42.807Z","data":{ "b":1,  "a":"<é>" }}`,
			string(models.Body(event, d)))
	})

	t.Run("properties come last", func(t *testing.T) {
		t.Parallel()
		d := &models.Delivery{Payload: models.PayloadEnvelope, Properties: []byte(`{"shop":7}`)}
		body := models.Body(event, d)
		require.True(t, json.Valid(body))
		require.True(t, strings.HasSuffix(string(body), `,"properties":{"shop":7}}`))
	})

	t.Run("data alone is sent untouched", func(t *testing.T) {
		t.Parallel()
		d := &models.Delivery{Payload: models.PayloadData, Properties: []byte(`{"shop":7}`)}
		require.Equal(t, event.Data, models.Body(event, d))
	})
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := models.Event{Type: "a.b", Data: []byte(`{"x": 1}`), Metadata: map[string]string{"k": "v", "l": "w"}}
	same := models.Event{Type: "a.b", Data: []byte(`{"x":1}`), Metadata: map[string]string{"l": "w", "k": "v"}, ID: "other"}
	require.Equal(t, base.Fingerprint(), same.Fingerprint())
	for name, other := range map[string]models.Event{
		"type":     {Type: "a.c", Data: base.Data, Metadata: base.Metadata},
		"data":     {Type: "a.b", Data: []byte(`{"x":2}`), Metadata: base.Metadata},
		"metadata": {Type: "a.b", Data: base.Data},
	} {
		require.NotEqual(t, base.Fingerprint(), other.Fingerprint(), name)
	}
	none := models.Event{Type: "a.b", Data: base.Data}
	empty := models.Event{Type: "a.b", Data: base.Data, Metadata: map[string]string{}}
	require.Equal(t, none.Fingerprint(), empty.Fingerprint())
}

func TestSchedule(t *testing.T) {
	t.Parallel()

	t.Run("has one attempt more than delays", func(t *testing.T) {
		t.Parallel()
		s := models.Schedule{time.Second, time.Minute}
		delay, more := s.Delay(1, 0.5)
		require.True(t, more)
		require.Equal(t, time.Second, delay)
		delay, more = s.Delay(2, 0.5)
		require.True(t, more)
		require.Equal(t, time.Minute, delay)
		_, more = s.Delay(3, 0.5)
		require.False(t, more)
	})

	t.Run("spreads by a tenth both ways", func(t *testing.T) {
		t.Parallel()
		s := models.Schedule{100 * time.Second}
		low, _ := s.Delay(1, 0)
		high, _ := s.Delay(1, 0.999999)
		require.Equal(t, 90*time.Second, low)
		require.InDelta(t, 110, high.Seconds(), 0.01)
	})

	t.Run("lasts about three days by default", func(t *testing.T) {
		t.Parallel()
		var sum time.Duration
		for _, delay := range models.DefaultSchedule() {
			sum += delay
		}
		require.Len(t, models.DefaultSchedule(), 9)
		require.InDelta(t, 75.6, sum.Hours(), 0.1)
	})
}

func TestLiveSecrets(t *testing.T) {
	t.Parallel()
	s := models.Subscription{Secrets: []models.Secret{
		{Value: "new"},
		{Value: "old", ExpiresAt: now.Add(time.Second)},
		{Value: "expired", ExpiresAt: now},
	}}
	require.Equal(t, []string{"new", "old"}, s.LiveSecrets(now))
}

func TestSigningSecret(t *testing.T) {
	t.Parallel()
	const grace = time.Hour
	within, after := now.Add(grace/2), now.Add(grace)
	rotated := func(t *testing.T, with models.SignWith) *models.Subscription {
		t.Helper()
		s := &models.Subscription{Secrets: []models.Secret{{Value: "a"}}}
		require.Equal(t, "a", s.SigningSecret(now))
		require.Empty(t, s.SignWith(now))
		require.NoError(t, s.Rotate("b", grace, with, now))
		require.Equal(t, []string{"b", "a"}, s.LiveSecrets(within))
		require.Equal(t, "b", s.SigningSecret(after))
		require.Empty(t, s.SignWith(after))
		return s
	}

	t.Run("is the previous one until the grace ends", func(t *testing.T) {
		t.Parallel()
		s := rotated(t, "")
		require.Equal(t, "a", s.SigningSecret(within))
		require.Equal(t, models.SignWithPrevious, s.SignWith(within))
	})

	t.Run("is the new one if asked", func(t *testing.T) {
		t.Parallel()
		s := rotated(t, models.SignWithNew)
		require.Equal(t, "b", s.SigningSecret(within))
		require.Equal(t, models.SignWithNew, s.SignWith(within))
	})

	t.Run("is chosen again within the grace, and not after it", func(t *testing.T) {
		t.Parallel()
		s := rotated(t, "")
		require.NoError(t, s.ChooseSigner(models.SignWithNew, within))
		require.Equal(t, "b", s.SigningSecret(within))
		require.NoError(t, s.ChooseSigner(models.SignWithPrevious, within))
		require.Equal(t, "a", s.SigningSecret(within))
		require.Equal(t, models.CodeInvalid, models.ErrorCode(s.ChooseSigner("both", within)))
		require.Equal(t, models.CodeConflict, models.ErrorCode(s.ChooseSigner(models.SignWithNew, after)))
	})

	t.Run("of a second rotation is the one that signed so far", func(t *testing.T) {
		t.Parallel()
		s := rotated(t, "")
		require.NoError(t, s.Rotate("c", 2*grace, "", within))
		require.Equal(t, "a", s.SigningSecret(within))
		require.Equal(t, "c", s.SigningSecret(after), "b has never signed, and a has expired")

		s = rotated(t, models.SignWithNew)
		require.NoError(t, s.Rotate("c", 2*grace, "", within))
		require.Equal(t, "b", s.SigningSecret(after))
	})

	t.Run("without a grace is the new one at once", func(t *testing.T) {
		t.Parallel()
		s := rotated(t, "")
		require.Equal(t, models.CodeInvalid, models.ErrorCode(s.Rotate("c", 0, models.SignWithPrevious, within)))
		require.Equal(t, models.CodeInvalid, models.ErrorCode(s.Rotate("c", grace, "both", within)))
		require.NoError(t, s.Rotate("c", 0, "", within))
		require.Equal(t, []models.Secret{{Value: "c"}}, s.Secrets)
	})

	require.Empty(t, (&models.Subscription{}).SigningSecret(now))
}

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	require.Empty(t, models.ErrorCode(nil))
	require.Equal(t, models.CodeInternal, models.ErrorCode(http.ErrServerClosed))
	require.Equal(t, models.CodeNotFound, models.ErrorCode(models.NotFound("event", "evt_1")))
	require.Equal(t, "type: is required", models.Invalid("type", "is required").Error())
}
