package operator

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

func TestMisuseSaysWhereToReadOn(t *testing.T) {
	t.Parallel()
	for args, wants := range map[string][]string{
		"subscriptions":                            {"(see posthaste subscriptions --help)"},
		"subscriptions pause":                      {"<id>", "(see posthaste subscriptions pause --help)"},
		"deliveries list --nonsense":               {"--nonsense", "(see posthaste deliveries list --help)"},
		"deliveries list --status gone":            {`--status must be one of "pending","held","delivered","exhausted","cancelled" but got "gone"`, "(see posthaste deliveries list --help)"},
		"subscriptions list --status x":            {`must be one of "active","paused","disabled" but got`},
		"nonsense":                                 {"unexpected argument nonsense (see posthaste --help)"},
		"subscription list":                        {`did you mean "subscriptions"?`},
		"delivery list":                            {`did you mean "deliveries"?`, "(see posthaste --help)"},
		"deliveriess list":                         {`did you mean "deliveries"?`},
		"redeliver dlv_1":                          {`did you mean "events redeliver" or "deliveries redeliver"?`},
		"deliveries cancl dlv_1":                   {`did you mean "cancel"?`, "(see posthaste deliveries --help)"},
		"recover start sub_1 --since x":            {"2026-11-22", "yesterday", "3d", "(see posthaste recover start --help)"},
		"events list --until=-3d":                  {"how long ago"},
		"subscriptions rotate-secret x --grace 2x": {`"2x" is not a duration such as 90s, 15m, 2h, 3d or 2w`},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			output, code := runHere(t, strings.Fields(args)...)
			require.Equal(t, terminal.CodeUsage, code)
			require.Len(t, lines(output), 1, output)
			require.NotContains(t, output, `""`)
			for _, want := range wants {
				require.Contains(t, output, want)
			}
		})
	}
}

func TestHelpOfCreateKnowsNothingToReplace(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"subscriptions", "sources"} {
		create, code := runHere(t, of, "create", "--help")
		require.Zero(t, code)
		require.NotContains(t, create, "Replaces")
		require.NotContains(t, create, "${")
		require.NotContains(t, create, "…,...")
		update, code := runHere(t, of, "update", "--help")
		require.Zero(t, code)
		require.Contains(t, strings.Join(strings.Fields(update), " "), "Replaces all existing ones.")
		require.NotContains(t, update, "…,...")
	}
}

func TestAhead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2027-11-25": time.Date(2027, 11, 25, 0, 0, 0, 0, time.UTC),
		"90d":        time.Now().Add(90 * 24 * time.Hour),
		"12h":        time.Now().Add(12 * time.Hour),
	} {
		var a ahead
		require.NoError(t, a.UnmarshalText([]byte(text)), text)
		require.WithinDuration(t, want, a.Time, time.Minute, text)
	}
	require.Equal(t, errAhead, new(ahead).UnmarshalText([]byte("soon")))
}

func TestWhen(t *testing.T) {
	t.Parallel()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for text, want := range map[string]time.Time{
		"2026-11-25":                time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
		"2026-11-25T08:30:00Z":      time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC),
		"2026-11-25T08:30:00.5Z":    time.Date(2026, 11, 25, 8, 30, 0, 5e8, time.UTC),
		"2026-11-25T08:30:00+02:00": time.Date(2026, 11, 25, 6, 30, 0, 0, time.UTC),
		"2026-11-25T08:30:00":       time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC),
		"2026-11-25 08:30":          time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC),
		"today":                     today,
		"Yesterday":                 today.AddDate(0, 0, -1),
		"now":                       time.Now(),
		"90m":                       time.Now().Add(-90 * time.Minute),
		"3d":                        time.Now().Add(-3 * 24 * time.Hour),
		"2w":                        time.Now().Add(-14 * 24 * time.Hour),
		"1d12h30m":                  time.Now().Add(-36*time.Hour - 30*time.Minute),
		"1.5d":                      time.Now().Add(-36 * time.Hour),
	} {
		var w when
		require.NoError(t, w.UnmarshalText([]byte(text)), text)
		require.WithinDuration(t, want, w.Time, time.Minute, text)
	}
	for _, text := range []string{"", "-3d", "3", "3 days", "d", "2026-13-01", "2026-02-30", "25.11.2026", "99999999999w", "tomorrow", "1d-"} {
		require.Error(t, new(when).UnmarshalText([]byte(text)), text)
	}
}

func TestRefusalsExitAsUsage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer fakeAnswer
		want   string
	}{
		"no key":               {refusal(401, "unauthorized", "an API key is required: send the header Authorization: Bearer <key>"), "the server asks for an API key, or does not know this one: set POSTHASTE_API_KEY"},
		"a wrong key":          {refusal(401, "unauthorized", "the API key is not valid"), "set POSTHASTE_API_KEY"},
		"another program":      {fakeAnswer{401, "<html>"}, "set POSTHASTE_API_KEY"},
		"another program's":    {fakeAnswer{405, "<html>"}, "POSTHASTE_URL"},
		"too large":            {refusal(413, "too_large", "the body is over the limit"), "the body is over the limit"},
		"not ours to say":      {refusal(415, "unsupported_media_type", "no JSON"), "no JSON"},
		"called by other name": {refusal(421, "misdirected_request", "only localhost"), "only localhost"},
		"forbidden":            {refusal(403, "cross_origin", "pages"), "pages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, map[string][]fakeAnswer{"POST /v1/events": {tt.answer}})
			got := api.operate(t, "", "publish", "order.paid", "{}")
			require.Equal(t, terminal.CodeUsage, got.code)
			require.Len(t, lines(got.err), 1)
			require.Contains(t, got.err, tt.want)
			require.NotContains(t, got.err, "send the header")
		})
	}
}

func TestJSONIsTheAPIsOwn(t *testing.T) {
	t.Parallel()
	// Milliseconds that end in zero, an exponent, a field of a newer server, characters that Go would escape, a deep number.
	const thing = `{"id":"dlv_1","created_at":"2026-11-22T22:22:37.010Z","added_later":[1e2,1.50],"url":"https://x/?a=1&b=<2>"}`
	answers := map[string][]fakeAnswer{
		"GET /v1/deliveries":               {{200, `{"data":[` + thing + `,` + thing + `],"next_cursor":"c"}`}, {200, listOf(thing)}},
		"GET /v1/deliveries/dlv_1":         ok(thing),
		"GET /v1/deliveries/dlv_1/runs":    ok(listOf(thing)),
		"POST /v1/deliveries/dlv_1/cancel": ok(thing),
	}
	for args, times := range map[string]int{
		"deliveries list --limit 0": 3, "deliveries list --limit 1": 1, "deliveries get dlv_1": 1, "deliveries runs dlv_1": 1,
		"deliveries cancel dlv_1 dlv_1": 2,
	} {
		got := newFakeAPI(t, answers).operate(t, "", append(strings.Fields(args), "-o", "json")...)
		require.Zero(t, got.code, got.err)
		require.Equal(t, times, strings.Count(strings.Join(strings.Fields(got.out), ""), thing), got.out)
	}
}

func TestTablesFitTheWindow(t *testing.T) {
	t.Parallel()
	const real = `{"id":"dlv_01m80cbcr7z6dypg4er5g11vbk","tenant":"default","event_id":"evt_01m80cbcqc6bhfbs8t6yney1nc",
		"event_type":"order.paid","subscription_id":"sub_01m80cbcpzsjksgddnef2zh1y1","receiver":"127.0.0.1:9000","status":"exhausted",
		"attempts":10,"last_error":"answered 503 Service Unavailable; only 2xx is success","created_at":"2026-11-22T08:00:00.000Z"}`
	api := newFakeAPI(t, map[string][]fakeAnswer{
		"GET /v1/deliveries": ok(listOf(real)),
		"GET /v1/deliveries/dlv_1/attempts": ok(listOf(`{"number":1,"started_at":"2026-11-22T08:00:00.000Z","response":{"status":503,"body":"` +
			strings.Repeat("the database is moving ", 40) + `"},"timing":{"total_ms":12.345},"error":"answered 503"}`)),
	})
	for _, args := range []string{"deliveries list", "deliveries attempts dlv_1"} {
		got := api.operate(t, "", strings.Fields(args)...)
		require.Zero(t, got.code, got.err)
		for _, line := range lines(got.out) {
			require.LessOrEqual(t, len([]rune(line)), usualWidth+narrowest, line)
		}
		require.Contains(t, got.out, "…")
	}
}

func TestUnmatchedEventsAreTold(t *testing.T) {
	t.Parallel()
	const unmatched = `{"id":"evt_1","tenant":"acme","type":"order.paid","status":"planned","matched":0,"deliveries":[],"created_at":"2026-11-22T08:00:00Z"}`
	accepted := strings.ReplaceAll(unmatched, `"planned","matched":0`, `"accepted"`)
	for name, tt := range map[string]struct {
		subscriptions string
		want          string
	}{
		"of a tenant nobody subscribed for": {listOf(), "tenant acme has no subscriptions"},
		"that nobody wanted":                {listOf(subscriptionJSON), "no subscription of tenant acme wanted order.paid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, map[string][]fakeAnswer{
				"POST /v1/events": ok(unmatched), "GET /v1/events/evt_1": {{200, accepted}, {200, unmatched}},
				"GET /v1/subscriptions": ok(tt.subscriptions),
			})
			got := api.operate(t, "", "publish", "order.paid", "--tenant", "acme")
			require.Zero(t, got.code)
			require.Contains(t, got.err, "no subscription matched, so nothing is delivered: "+tt.want)
			got = api.operate(t, "", "events", "get", "evt_1")
			require.Contains(t, got.err, tt.want)
			require.Regexp(t, `matched +0\n`, got.out)
			got = api.operate(t, "", "publish", "order.paid", "-o", "json")
			require.Empty(t, got.err, "a script does not wait for it")
		})
	}

	t.Run("and matched ones are not", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, map[string][]fakeAnswer{
			"POST /v1/events": ok(unmatched), "GET /v1/events/evt_1": ok(strings.Replace(unmatched, `"matched":0`, `"matched":2`, 1)),
		})
		require.Empty(t, api.operate(t, "", "publish", "order.paid").err)
	})
}

func TestDryRunShowsOnlyWhatItKnows(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t, map[string][]fakeAnswer{"POST /v1/recoveries": ok(`{"dry_run":true,"subscription_id":"sub_1","total":12,"done":0,"skipped":0,"by":"zoe"}`)})
	got := api.operate(t, "", "recover", "start", "sub_1", "--since", "2d", "--dry-run")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "12")
	for _, absent := range []string{"done", "skipped", "by ", "created_at"} {
		require.NotContains(t, got.out, absent)
	}
}
