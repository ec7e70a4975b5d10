package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// shown is a delivery as the API shows it, created that many seconds after eight.
func shown(id, status string, attempts, second int) string {
	return fmt.Sprintf(`{"id":%q,"status":%q,"attempts":%d,"created_at":"2026-11-22T08:00:%02dZ"}`, id, status, attempts, second)
}

// tailUntil runs tail until its output has so many lines, stops it, and returns output and complaints.
func (f *fakeAPI) tailUntil(t *testing.T, wanted int, args ...string) (out, complaints []string) {
	t.Helper()
	var stdout, stderr buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int)
	go func() {
		args := append([]string{"deliveries", "tail", "--poll", "1ms", "--url", f.url}, args...)
		ended <- run(ctx, args, terminal.Streams{Out: &stdout, Err: &stderr})
	}()
	require.Eventually(t, func() bool { return len(lines(stdout.String())) >= wanted }, longest, time.Millisecond)
	cancel()
	require.Zero(t, <-ended)
	return lines(stdout.String()), lines(stderr.String())
}

func TestTail(t *testing.T) {
	t.Parallel()

	t.Run("prints what is new and what changes, not what was there", func(t *testing.T) {
		t.Parallel()
		before, early := shown("dlv_0", "pending", 1, 0), shown("dlv_1", "pending", 0, 5)
		api := newFakeAPI(t, map[string][]fakeAnswer{
			"GET /v1/deliveries": {
				{200, listOf(before)},
				{200, listOf(before)},
				{200, listOf(early, before)},
				{200, listOf(shown("dlv_1", "pending", 1, 5), before)},
				{200, listOf(shown("dlv_1", "pending", 1, 5), before)},
				{200, listOf(shown("dlv_1", "delivered", 2, 5), shown("dlv_0", "cancelled", 1, 0))},
			},
			"GET /v1/deliveries/dlv_0": {{200, before}, {200, before}, {200, shown("dlv_0", "cancelled", 1, 0)}},
			"GET /v1/deliveries/dlv_1": {{200, early}, {200, shown("dlv_1", "pending", 1, 5)}, {200, shown("dlv_1", "delivered", 2, 5)}},
		})
		out, complaints := api.tailUntil(t, 4, "--tenant", "acme", "--subscription", "sub_1")
		require.Empty(t, complaints)
		var seen []string
		for _, line := range out {
			seen = append(seen, strings.Join(strings.Fields(line)[:3], " "))
		}
		require.ElementsMatch(t, []string{
			"dlv_1 pending 0", "dlv_1 pending 1", "dlv_0 cancelled 1", "dlv_1 delivered 2",
		}, seen)
		require.Equal(t, "GET /v1/deliveries?limit=1&subscription_id=sub_1&tenant=acme", api.calls()[0].what)
		require.Equal(t, "GET /v1/deliveries?limit=200&since=2026-11-22T07%3A59%3A50Z&subscription_id=sub_1&tenant=acme", api.calls()[1].what)
	})

	t.Run("begins where it is told, oldest first, and prints the wanted status as JSON lines", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, map[string][]fakeAnswer{"GET /v1/deliveries": {
			{200, listOf(shown("dlv_3", "exhausted", 9, 3), shown("dlv_2", "delivered", 1, 2), shown("dlv_1", "exhausted", 9, 1))},
		}})
		out, _ := api.tailUntil(t, 2, "--since", "2026-11-22T08:00:00Z", "--status", "exhausted", "-o", "json")
		var ids []string
		for _, line := range out {
			var d client.Delivery
			require.NoError(t, json.Unmarshal([]byte(line), &d))
			ids = append(ids, d.ID)
		}
		require.Equal(t, []string{"dlv_1", "dlv_3"}, ids)
		require.Equal(t, "GET /v1/deliveries?limit=200&since=2026-11-22T08%3A00%3A00Z", api.calls()[0].what)
	})

	t.Run("goes on when the server was away, and says so once", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, map[string][]fakeAnswer{"GET /v1/deliveries": {
			{200, listOf()},
			{200, listOf(shown("dlv_1", "delivered", 1, 1))},
			away,
			away,
			{502, "<html>"},
			{200, listOf(shown("dlv_2", "delivered", 1, 2))},
			away,
			{200, listOf(shown("dlv_3", "delivered", 1, 3))},
		}})
		out, complaints := api.tailUntil(t, 3)
		require.Len(t, out, 3)
		require.Len(t, complaints, 4)
		require.Contains(t, complaints[0], "waiting for the server: status 503 unavailable: Temporal is away")
		require.Equal(t, "the server is back", complaints[1])
	})

	t.Run("ends when it is refused", func(t *testing.T) {
		t.Parallel()
		got := newFakeAPI(t, map[string][]fakeAnswer{"GET /v1/deliveries": {{401, ""}}}).operate(t, "", "deliveries", "tail")
		require.Equal(t, terminal.CodeUsage, got.code)
	})
}

func TestTailForgets(t *testing.T) {
	t.Parallel()

	var complaints buffer
	now := time.Now()
	follower := tail{o: &operator{s: terminal.Streams{Err: &complaints}}, from: now, known: map[string]client.Delivery{}}
	for i := range tailKept + 5 {
		follower.keep(client.Delivery{ID: fmt.Sprint("dlv_", i), Status: "pending", CreatedAt: client.Timestamp{Time: now.Add(-time.Hour)}})
	}
	follower.keep(client.Delivery{ID: "closed long ago", Status: "delivered", CreatedAt: client.Timestamp{Time: now.Add(-time.Hour)}})
	follower.keep(client.Delivery{ID: "closed now", Status: "delivered", CreatedAt: client.Timestamp{Time: now}})
	follower.forget()
	require.Len(t, follower.open, tailKept)
	require.Equal(t, "dlv_5", follower.open[0])
	require.Len(t, follower.known, tailKept+1)
	require.Contains(t, follower.known, "closed now")
	require.Contains(t, complaints.String(), "5 of them are no longer followed")
}

func TestRecoverWaits(t *testing.T) {
	t.Parallel()

	running := func(done int) fakeAnswer {
		return fakeAnswer{200, fmt.Sprintf(`{"id":"rcv_1","subscription_id":"sub_1","status":"running","total":3,"done":%d}`, done)}
	}
	start := []string{"recover", "start", "sub_1", "--since", "2h", "--poll", "1ms"}

	t.Run("until it is done, also while the server is away", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, map[string][]fakeAnswer{
			"POST /v1/recoveries":      {running(0)},
			"GET /v1/recoveries/rcv_1": {running(1), running(2), {200, recoveryJSON}},
		})
		got := api.operate(t, "", start...)
		require.Zero(t, got.code)
		require.Contains(t, got.out, "completed")
		require.Empty(t, got.err, "no progress bar where there is no terminal")
		require.Len(t, api.calls(), 4)
	})

	t.Run("and leaves it to the server when it is stopped", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, map[string][]fakeAnswer{
			"POST /v1/recoveries": {running(0)}, "GET /v1/recoveries/rcv_1": {running(1)},
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan ran)
		go func() { ended <- api.operateUntil(ctx, "", start...) }()
		require.Eventually(t, func() bool { return len(api.calls()) >= 3 }, longest, time.Millisecond)
		cancel()
		got := <-ended
		require.Equal(t, terminal.CodeFailure, got.code)
		require.Contains(t, got.err, "rcv_1 continues on the server")
	})

	t.Run("and says when nobody knows it any more", func(t *testing.T) {
		t.Parallel()
		got := newFakeAPI(t, map[string][]fakeAnswer{"POST /v1/recoveries": {running(0)}}).operate(t, "", start...)
		require.Equal(t, terminal.CodeNotFound, got.code)
	})
}
