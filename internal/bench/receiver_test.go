package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/pgtest"
)

// post is a delivery, and the answer to it.
func post(t *testing.T, r *Receiver, path, event string) *http.Response {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("{}"))
	request.Header.Set("webhook-id", event)
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	return answer.Result()
}

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestReceiver(t *testing.T) {
	t.Parallel()

	t.Run("counts each event at each subscriber", func(t *testing.T) {
		t.Parallel()
		r, began := NewReceiver(), time.Now()
		for range 3 {
			require.Equal(t, http.StatusNoContent, post(t, r, "/7", "a").StatusCode)
		}
		post(t, r, "/8", "a")
		require.Equal(t, Counts{Arrived: 2}, r.wait(t.Context(), Counts{Arrived: 2}))
		times := map[int]int{}
		for _, a := range r.all().Arrivals {
			times[a.Subscriber] = a.Count
			require.Equal(t, "a", a.Event)
			require.WithinRange(t, a.First, began, time.Now())
		}
		require.Equal(t, map[int]int{7: 3, 8: 1}, times)
	})

	t.Run("counts the other tenant aside", func(t *testing.T) {
		t.Parallel()
		r := NewReceiver()
		post(t, r, "/0", "a")
		post(t, r, "/-1", "b")
		post(t, r, "/-1", "b")
		require.Equal(t, Counts{Arrived: 1, Aside: 1}, r.wait(t.Context(), Counts{Aside: 1}))
		r.reset(conduct{})
		require.Zero(t, r.wait(t.Context(), Counts{}))
	})

	t.Run("knows what had arrived before it was reset", func(t *testing.T) {
		t.Parallel()
		r := NewReceiver()
		post(t, r, "/7", "a")
		r.reset(conduct{})
		require.Equal(t, http.StatusNoContent, post(t, r, "/7", "a").StatusCode)
		require.Equal(t, http.StatusNoContent, post(t, r, "/8", "a").StatusCode)
		seen := r.all()
		require.Equal(t, 1, seen.Again)
		require.Len(t, seen.Arrivals, 1)
		r.reset(conduct{})
		require.Zero(t, r.all().Again, "it was told")

		r.reset(conduct{least: 100})
		require.Equal(t, http.StatusNoContent, post(t, r, "/7", "a").StatusCode)
		r.reset(conduct{})
		post(t, r, "/9", "a")
		post(t, r, "/9", "a")
		r.reset(conduct{})
		require.Equal(t, 2, r.all().Again, "none is forgotten by a reset")
	})

	t.Run("takes nothing that is too short", func(t *testing.T) {
		t.Parallel()
		r := NewReceiver()
		r.reset(conduct{least: 3})
		require.Equal(t, http.StatusBadRequest, post(t, r, "/7", "a").StatusCode)
		require.Empty(t, r.all().Arrivals)
		r.reset(conduct{least: 2})
		require.Equal(t, http.StatusNoContent, post(t, r, "/7", "a").StatusCode)
	})

	t.Run("knows no other addresses", func(t *testing.T) {
		t.Parallel()
		r := NewReceiver()
		require.Equal(t, http.StatusNotFound, post(t, r, "/hook", "a").StatusCode)
		require.Equal(t, http.StatusNotFound, post(t, r, "/7", "").StatusCode)
		require.Empty(t, r.all().Arrivals)
	})

	t.Run("refuses until it is mended, and says when", func(t *testing.T) {
		t.Parallel()
		r := NewReceiver()
		r.reset(conduct{mended: time.Now().Add(90 * time.Second)})
		refusal := post(t, r, "/0", "a")
		require.Equal(t, http.StatusServiceUnavailable, refusal.StatusCode)
		after, err := strconv.Atoi(refusal.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 90, after, 2)
		require.Equal(t, Counts{Refused: 1}, r.wait(t.Context(), Counts{Refused: 1}))
		post(t, r, "/0", "a")
		require.Equal(t, 1, r.all().Early, "it did not wait")
		require.Empty(t, r.all().Arrivals)

		r.reset(conduct{mended: time.Now()})
		require.Equal(t, http.StatusNoContent, post(t, r, "/0", "a").StatusCode)
		require.Equal(t, Counts{Arrived: 1}, r.wait(t.Context(), Counts{Arrived: 1}))
	})

	t.Run("wakes who waits, and no one else", func(t *testing.T) {
		t.Parallel()
		r := NewReceiver()
		got := make(chan Counts, 1)
		go func() { got <- r.wait(t.Context(), Counts{Arrived: 2}) }()
		post(t, r, "/0", "a")
		require.Never(t, func() bool { return len(got) > 0 }, 20*time.Millisecond, 5*time.Millisecond)
		post(t, r, "/0", "b")
		require.Equal(t, Counts{Arrived: 2}, <-got)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, Counts{Arrived: 2}, r.wait(ended, Counts{Arrived: 3}))
		require.Empty(t, r.waiters)
	})

	t.Run("hangs until it is reset", func(t *testing.T) {
		t.Parallel()
		r := NewReceiver()
		require.Equal(t, http.StatusNoContent, post(t, r, "/beside", "a").StatusCode)
		require.Equal(t, Seen{Arrivals: []Arrival{}}, r.all(), "it is not counted")
		r.reset(conduct{hanging: true})
		answered := make(chan int)
		go func() { answered <- post(t, r, "/beside", "a").StatusCode }()
		require.Eventually(t, func() bool {
			r.reset(conduct{hanging: true})
			select {
			case status := <-answered:
				return status == http.StatusServiceUnavailable
			default:
				return false
			}
		}, 10*time.Second, time.Millisecond)
	})
}
