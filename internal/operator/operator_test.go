package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

const (
	subscriptionJSON = `{"id":"sub_1","tenant":"acme","name":"Shop","url":"https://x.example/?a=1&b=2","event_types":["a.*","b"],"status":"active",` +
		`"timeout":"15s","retry_schedule":["5s","5m"],"resume_rate":9,"secret":"whsec_shown","auth":{"type":"basic"},"headers":{"X-A":"1"},"created_at":"2026-11-22T08:00:00Z"}`
	eventJSON = `{"id":"evt_1","tenant":"acme","type":"order.paid","status":"planned","created_at":"2026-11-22T08:00:00Z","data":{"a":1},` +
		`"metadata":{"k":"v"},"deliveries":[{"id":"dlv_1","subscription_id":"sub_1","status":"held","attempts":0}]}`
	deliveryJSON = `{"id":"dlv_1","tenant":"acme","event_id":"evt_1","event_type":"order.paid","subscription_id":"sub_1","status":"pending",` +
		`"attempts":2,"receiver":"shop.example","last_error":"answered \u001b[31m503","created_at":"2026-11-22T08:00:00Z","updated_at":"2026-11-22T08:00:01Z"}`
	recoveryJSON = `{"id":"rcv_1","subscription_id":"sub_1","status":"completed","recovers":"exhausted","total":3,"done":2,"skipped":1,"rate":50,"by":"zoe@desk"}`
	attemptJSON  = `{"number":1,"started_at":"2026-11-22T08:00:00Z","response":{"status":503,"body":"the database\n\tis moving"},"timing":{"total_ms":1.5},"error":"answered 503"}`
	runJSON      = `{"run_id":"run-1","status":"Running","started_at":"2026-11-22T08:00:00Z"}`
	sourceJSON   = `{"id":"src_1","tenant":"acme","name":"Chat","provider":"pusher","url":"https://x.example/in/src_1","status":"active",` +
		`"credentials":{"count":2,"ids":["k1","k2"]},"settings":{"object":"json.a"},"created_at":"2026-11-22T08:00:00Z"}`
	providerJSON = `{"name":"pusher","credentials":["the secret's text","a key"],"needs_credential_ids":true,"needs_public_url":true,"sends_delivery_id":true,"settings":{}}`
	tenantJSON   = `{"tenant":"acme","delivery_mode":"inline","publish_rate":5,"subscriptions":{"count":1},"events":{"count":10000,"more":true},"outstanding":{"count":0},"links":{}}`
	keyJSON      = `{"id":"key_1","name":"shop","key":"phk_whole","prefix":"phk_who","scopes":["publish","events:read"],"tenant":"acme","created_with":"root"}`
	figuresJSON  = `{"id":"sub_1","tenant":"acme","status":"active","receiver":"x.example","attempts":1000,"succeeded":999,"p50_ms":8.289,"pending":{"count":1000,"more":true},"last_error":"answered 503"}`
	hitJSON      = `{"kind":"event","id":"evt_1","tenant":"acme","by":"idempotency_key","value":"order-42","exact":false,"links":{}}`
	auditJSON    = `{"id":"aud_1","at":"2026-11-22T08:00:00Z","action":"delivery.cancel","subject":"dlv_1","by":"zoe@desk","reason":"why"}`
)

func listOf(items ...string) string { return `{"data":[` + strings.Join(items, ",") + `]}` }

// operations are commands with what they ask and what they print.
var operations = []struct {
	args  string
	stdin string
	asks  string // method, path and query
	body  string
	gives string
	out   []string // in what is printed as a table
}{
	{args: "publish order.paid", asks: "POST /v1/events", body: `{"type":"order.paid","idempotency_key":"k","data":null}`, gives: eventJSON, out: []string{"evt_1", "acme"}},
	{
		args: "publish order.paid - --tenant acme --metadata a=b;c=d", stdin: `{ "n": 1 }`, asks: "POST /v1/events", gives: eventJSON,
		body: `{"tenant":"acme","type":"order.paid","metadata":{"a":"b;c=d"},"idempotency_key":"k","data":{ "n": 1 }}`,
	},

	{args: "search order-4 --tenant acme", asks: "GET /v1/search?q=order-4&tenant=acme", gives: listOf(hitJSON), out: []string{"KIND", "event", "evt_1", "idempotency_key", "order-42"}},
	{args: "subscriptions list --tenant acme --status paused --limit 2", asks: "GET /v1/subscriptions?limit=3&status=paused&tenant=acme", gives: listOf(subscriptionJSON), out: []string{"ID  ", "sub_1", "a.* b", "https://x.example/?a=1&b=2"}},
	{args: "subscriptions stats shop --since 2026-11-22 --sort p95", asks: "GET /v1/stats/subscriptions?limit=51&q=shop&since=2026-11-22T00%3A00%3A00Z&sort=p95", gives: listOf(figuresJSON), out: []string{"sub_1", "99.9%", "8ms", "1000+", "x.example"}},
	{args: "subscriptions get sub_1", asks: "GET /v1/subscriptions/sub_1", gives: subscriptionJSON, out: []string{"resume_rate", "5s 5m\n", "headers.X-A", "basic"}},
	{
		args: "subscriptions create https://x.example --event-types a.*,b --name Shop --header X-A=1,2 --retry-schedule 5s,5m,1d --timeout 10s --tenant acme", asks: "POST /v1/subscriptions", gives: subscriptionJSON,
		body: `{"tenant":"acme","name":"Shop","url":"https://x.example","event_types":["a.*","b"],"headers":{"X-A":"1,2"},"timeout":"10s","retry_schedule":["5s","5m","24h"]}`, out: []string{"whsec_shown"},
	},
	{
		args: "subscriptions update sub_1 --receiver https://y.example --reset auth,tls --name= --from - --signature stripe --payload data --status disabled", stdin: `{"properties":{"r":"eu"},"signature":"github"}`, asks: "PATCH /v1/subscriptions/sub_1", gives: subscriptionJSON,
		body: `{"auth":null,"name":"","payload":"data","properties":{"r":"eu"},"signature":"stripe","status":"disabled","tls":null,"url":"https://y.example"}`,
	},
	{args: "subscriptions delete sub_1", asks: "DELETE /v1/subscriptions/sub_1", out: []string{"sub_1 is deleted"}},
	{args: "subscriptions pause sub_1 --reason why", asks: "POST /v1/subscriptions/sub_1/pause", body: `{"reason":"why"}`, gives: subscriptionJSON, out: []string{"sub_1 is active"}},
	{args: "subscriptions resume sub_1 --rate 9", asks: "POST /v1/subscriptions/sub_1/resume", body: `{"rate":9}`, gives: subscriptionJSON, out: []string{"what was held goes at 9 a second"}},
	{args: "subscriptions cancel sub_1 --reason why", asks: "POST /v1/subscriptions/sub_1/cancel", body: `{"reason":"why"}`, gives: `{"subscription_id":"sub_1","deliveries":7}`, out: []string{"sub_1: cancellation requested of 7 deliveries"}},
	{args: "subscriptions rotate-secret sub_1 --grace 1d --secret -", stdin: "whsec_mine\n", asks: "POST /v1/subscriptions/sub_1/rotate-secret", body: `{"secret":"whsec_mine","grace":"24h"}`, gives: `{"secret":"whsec_new","previous_expires_at":["2026-11-22T08:00:00Z"]}`, out: []string{"whsec_new"}},
	{args: "subscriptions secret sub_1", asks: "GET /v1/subscriptions/sub_1/secret", gives: `{"secret":"whsec_shown"}`, out: []string{"whsec_shown"}},

	{args: "events list --tenant acme --type order.paid --since 2026-11-22T08:00:00Z --until 2026-11-22T10:00:00+01:00 --limit 0", asks: "GET /v1/events?limit=200&since=2026-11-22T08%3A00%3A00Z&tenant=acme&type=order.paid&until=2026-11-22T09%3A00%3A00Z", gives: listOf(eventJSON), out: []string{"evt_1", "planned"}},
	{args: "events list --idempotency-key order-42", asks: "GET /v1/events?idempotency_key=order-42&limit=51&tenant=default", gives: listOf(eventJSON), out: []string{"evt_1", "planned"}},
	{args: "events list --tenant acme --metadata k=v --limit 1", asks: "GET /v1/events?limit=200&tenant=acme", gives: listOf(strings.Replace(eventJSON, `"k":"v"`, `"k":"w"`, 1), eventJSON), out: []string{"evt_1"}},
	{args: "events get evt_1", asks: "GET /v1/events/evt_1", gives: eventJSON, out: []string{`{"a":1}`, "metadata.k", "dlv_1", "held"}},
	{args: "events cancel evt_1", asks: "POST /v1/events/evt_1/cancel", body: `{}`, gives: `{"event_id":"evt_1","deliveries":4}`, out: []string{"evt_1: cancellation requested of 4 deliveries"}},
	{args: "events redeliver evt_1 --rate 3 --reason why", asks: "POST /v1/events/evt_1/redeliver", body: `{"rate":3,"reason":"why"}`, gives: `{"event_id":"evt_1","deliveries":1}`, out: []string{"evt_1: redelivery requested of 1 delivery\n"}},

	{args: "deliveries list --tenant acme --subscription sub_1 --event evt_1 --status held", asks: "GET /v1/deliveries?event_id=evt_1&limit=51&status=held&subscription_id=sub_1&tenant=acme", gives: listOf(deliveryJSON), out: []string{"dlv_1", "pending", "answered  [31m503"}},
	{args: "deliveries list --event-type order.paid --since 2026-11-22 --until 2026-11-23T08:00", asks: "GET /v1/deliveries?event_type=order.paid&limit=51&since=2026-11-22T00%3A00%3A00Z&until=2026-11-23T08%3A00%3A00Z", gives: listOf(deliveryJSON), out: []string{"TENANT", "acme", "shop.example", "2026-11-22T08:00:00Z"}},
	{args: "deliveries list --subscription sub_1 --error-class status --code 503", asks: "GET /v1/deliveries?code=503&error_class=status&limit=51&subscription_id=sub_1", gives: listOf(deliveryJSON), out: []string{"dlv_1"}},
	{args: "deliveries get dlv_1", asks: "GET /v1/deliveries/dlv_1", gives: deliveryJSON, out: []string{"evt_1", "answered  [31m503"}},
	{args: "deliveries attempts dlv_1", asks: "GET /v1/deliveries/dlv_1/attempts", gives: listOf(attemptJSON), out: []string{"503", "1.5", "the database is moving"}},
	{args: "deliveries cancel dlv_1 --reason why", asks: "POST /v1/deliveries/dlv_1/cancel", body: `{"reason":"why"}`, gives: deliveryJSON, out: []string{"dlv_1: cancellation requested (was pending)"}},
	{args: "deliveries redeliver dlv_1", asks: "POST /v1/deliveries/dlv_1/redeliver", body: `{}`, gives: deliveryJSON, out: []string{"dlv_1: retry requested (was pending after 2 attempts)"}},
	{args: "deliveries runs dlv_1", asks: "GET /v1/deliveries/dlv_1/runs", gives: listOf(runJSON), out: []string{"run-1", "Running"}},
	{args: "deliveries history dlv_1 --run run-1", asks: "GET /v1/deliveries/dlv_1/history?run_id=run-1", gives: `{"events":[]}`, out: []string{`{"events":[]}`}},

	{args: "recover start sub_1 --since 2026-11-22T08:00:00Z --status missing --rate 5 --reason why --tenant acme --no-wait", asks: "POST /v1/recoveries", body: `{"subscription_id":"sub_1","since":"2026-11-22T08:00:00Z","status":"missing","rate":5,"reason":"why","tenant":"acme"}`, gives: recoveryJSON, out: []string{"rcv_1"}},
	{args: "recover start sub_1 --since 2026-11-22T08:00:00Z --until 2026-11-22T09:00:00Z --dry-run", asks: "POST /v1/recoveries", body: `{"subscription_id":"sub_1","since":"2026-11-22T08:00:00Z","until":"2026-11-22T09:00:00Z","status":"exhausted","dry_run":true}`, gives: `{"dry_run":true,"subscription_id":"sub_1","total":12}`, out: []string{"not started (dry run)", "12"}},
	{args: "recover list --tenant acme --subscription sub_1 --status running", asks: "GET /v1/recoveries?limit=51&status=running&subscription_id=sub_1&tenant=acme", gives: listOf(recoveryJSON), out: []string{"rcv_1", "completed"}},
	{args: "recover get rcv_1", asks: "GET /v1/recoveries/rcv_1", gives: recoveryJSON, out: []string{"skipped"}},
	{args: "recover cancel rcv_1 --reason why", asks: "POST /v1/recoveries/rcv_1/cancel", body: `{"reason":"why"}`, gives: recoveryJSON, out: []string{"had redelivered 2 of 3"}},

	{args: "sources list --tenant acme --limit 2", asks: "GET /v1/sources?limit=3&tenant=acme", gives: listOf(sourceJSON), out: []string{"ID  ", "src_1", "pusher", "https://x.example/in/src_1"}},
	{args: "sources get src_1", asks: "GET /v1/sources/src_1", gives: sourceJSON, out: []string{"k1 k2", `{"object":"json.a"}`, "2026-11-22"}},
	{
		args: "sources create pusher --credential k1=- --credential b=c --public-url https://x.example --name Chat --tenant acme --status disabled", stdin: " hush\n", asks: "POST /v1/sources", gives: sourceJSON,
		body: `{"tenant":"acme","provider":"pusher","name":"Chat","credentials":[{"id":"k1","secret":"hush"},{"secret":"b=c"}],"public_url":"https://x.example","status":"disabled"}`, out: []string{"https://x.example/in/src_1"},
	},
	{
		args: "sources update src_1 --from - --reset public_url --name= --credential a,b", stdin: `{"settings":{"name":"x"},"status":"active"}`, asks: "PATCH /v1/sources/src_1", gives: sourceJSON,
		body: `{"credentials":[{"secret":"a,b"}],"name":"","public_url":null,"settings":{"name":"x"},"status":"active"}`,
	},
	{args: "sources delete src_1", asks: "DELETE /v1/sources/src_1", out: []string{"src_1 is deleted"}},
	{args: "subscriptions secret sub_1 --private", asks: "GET /v1/subscriptions/sub_1/secret", gives: `{"private_key":"whsk_mine"}`, out: []string{"whsk_mine"}},
	{args: "subscriptions public-key sub_1", asks: "GET /v1/subscriptions/sub_1/public-key", gives: `{"public_key":"whpk_2","public_keys":["whpk_2","whpk_1"]}`, out: []string{"whpk_2\nwhpk_1\n"}},
	{
		args: "subscriptions create https://x.example --event-types * --signature standard-ed25519", asks: "POST /v1/subscriptions",
		body:  `{"url":"https://x.example","event_types":["*"],"signature":"standard-ed25519"}`,
		gives: `{"id":"sub_1","signature":"standard-ed25519","public_key":"whpk_1"}`, out: []string{"public_key", "whpk_1"},
	},
	{args: "subscriptions rotate-secret sub_2", asks: "POST /v1/subscriptions/sub_2/rotate-secret", gives: `{"public_key":"whpk_2","previous_expires_at":[]}`, body: "{}", out: []string{"whpk_2\n"}},
	{args: "providers", asks: "GET /v1/providers", gives: listOf(providerJSON), out: []string{"PROVIDER", "pusher", "the secret's text; or a key", "an id for each, --public-url", "by an unsigned id"}},

	{args: "audit --tenant acme --action delivery.cancel --subject dlv_1 --by zoe@desk", asks: "GET /v1/audit?action=delivery.cancel&by=zoe%40desk&limit=51&subject=dlv_1&tenant=acme", gives: listOf(auditJSON), out: []string{"zoe@desk", "delivery.cancel", "why"}},
	{args: "audit --key key_1", asks: "GET /v1/audit?key=key_1&limit=51", gives: listOf(auditJSON), out: []string{"dlv_1"}},

	{
		args: "keys create shop --scope publish,events:read --tenant acme --expires 2027-01-01", asks: "POST /v1/keys", gives: keyJSON,
		body: `{"name":"shop","scopes":["publish","events:read"],"tenant":"acme","expires_at":"2027-01-01T00:00:00.000Z"}`, out: []string{"phk_whole"},
	},
	{args: "keys list --tenant acme --limit 2", asks: "GET /v1/keys?limit=3&tenant=acme", gives: listOf(keyJSON), out: []string{"key_1", "publish events:read"}},
	{args: "keys get key_1", asks: "GET /v1/keys/key_1", gives: keyJSON, out: []string{"created_with", "root"}},
	{args: "keys revoke key_1", asks: "DELETE /v1/keys/key_1", out: []string{"key_1 is revoked"}},

	{args: "tenants list --limit 2", asks: "GET /v1/tenants?limit=3", gives: listOf(tenantJSON), out: []string{"acme", "10000+", "inline"}},
	{args: "tenants get acme", asks: "GET /v1/tenants/acme", gives: tenantJSON, out: []string{"publish_rate", "5"}},

	{args: "tenants erase acme --yes", asks: "DELETE /v1/tenants/acme", gives: `{"id":"ers_1","tenant":"acme"}`, out: []string{"ers_1"}},
	{args: "events erase evt_1 --cancel --yes", asks: "DELETE /v1/events/evt_1?cancel=true", gives: `{"id":"ers_1","event_id":"evt_1"}`, out: []string{"evt_1 is being erased by ers_1"}},

	{args: "audit list --limit 200", asks: "GET /v1/audit?limit=200", gives: listOf(auditJSON), out: []string{"dlv_1"}},
}

func TestCommands(t *testing.T) {
	t.Parallel()

	for _, op := range operations {
		key, _, _ := strings.Cut(op.asks, "?")
		args := strings.Fields(op.args)
		if args[0] == "publish" {
			args = append(args, "--idempotency-key", "k")
		}
		t.Run(op.args, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, map[string][]fakeAnswer{key: ok(op.gives)})
			got := api.operate(t, op.stdin, args...)
			require.Zero(t, got.code, got.err)
			for _, want := range op.out {
				require.Contains(t, got.out, want)
			}
			require.Equal(t, fakeCall{op.asks, op.body, "zoe@desk", "Bearer " + testKey}, api.calls()[0])
			require.True(t, len(api.calls()) == 1 || args[0] == "publish", "publish looks whom the event matched")
		})

		t.Run(op.args+" -o json", func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, map[string][]fakeAnswer{key: ok(op.gives)})
			got := api.operate(t, op.stdin, append(args, "-o", "json")...)
			require.Zero(t, got.code, got.err)
			require.True(t, json.Valid([]byte(got.out)), got.out)
			require.NotContains(t, got.out, `\u0026`)
		})

		for code, answer := range map[int]fakeAnswer{
			terminal.CodeUsage: refusal(400, "invalid", "rate is 0"), terminal.CodeNotFound: notFound, terminal.CodeConflict: conflict,
		} {
			t.Run(fmt.Sprintf("%s exits with %d", op.args, code), func(t *testing.T) {
				t.Parallel()
				got := newFakeAPI(t, map[string][]fakeAnswer{key: {answer}}).operate(t, op.stdin, args...)
				require.Equal(t, code, got.code)
				require.Empty(t, got.out)
				require.Len(t, lines(got.err), 1, got.err)
				require.NotContains(t, got.err, testKey)
			})
		}
	}
}

// TestSetTenant keeps the settings that have no flag. It does not send a retention that it was not given.
func TestSetTenant(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"--max-subscriptions 9":                    `{"delivery_mode":"inline","max_subscriptions":9,"publish_rate":5}`,
		"--delivery-mode default --publish-rate 0": `{}`,
		"--retention 90d --payload-retention 0s":   `{"delivery_mode":"inline","payload_retention":"0s","publish_rate":5,"retention":"2160h"}`,
		"--retention default":                      `{"delivery_mode":"inline","publish_rate":5,"retention":null}`,
		"--payload-retention default":              `{"delivery_mode":"inline","payload_retention":null,"publish_rate":5}`,
		"--delivery-mode grouped":                  `{"delivery_mode":"grouped","publish_rate":5}`,
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			is := strings.Replace(tenantJSON, "{", `{"retention":"1000h","payload_retention":"5h",`, 1)
			api := newFakeAPI(t, map[string][]fakeAnswer{"GET /v1/tenants/acme": ok(is), "PUT /v1/tenants/acme": ok(tenantJSON)})
			got := api.operate(t, "", append(strings.Fields("tenants set acme"), strings.Fields(flags)...)...)
			require.Zero(t, got.code, got.err)
			require.Equal(t, want, api.calls()[1].body)
		})
	}
}

// What --private does not ask for is not printed: the private key of an Ed25519 subscription is no secret for a receiver.
func TestPrivateKeyIsNotPrinted(t *testing.T) {
	t.Parallel()

	for _, output := range []string{"table", "json"} {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, map[string][]fakeAnswer{"GET /v1/subscriptions/sub_1/secret": ok(`{"private_key":"whsk_mine"}`)})
			got := api.operate(t, "", "subscriptions", "secret", "sub_1", "-o", output)
			require.Equal(t, terminal.CodeConflict, got.code)
			require.Empty(t, got.out)
			require.Contains(t, got.err, "posthaste subscriptions public-key sub_1")
			require.NotContains(t, got.err, "whsk_")
		})
	}
}

func TestAwayServer(t *testing.T) {
	t.Parallel()

	for _, args := range []string{"publish a", "deliveries list", "deliveries cancel dlv_1", "replay --delivery dlv_1"} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			api := fakeAPI{url: "http://" + freeAddress(t)}
			got := api.operate(t, "", strings.Fields(args)...)
			require.Equal(t, terminal.CodeUnavailable, got.code)
			require.Contains(t, got.err, "cannot reach the server at "+api.url)
			require.Contains(t, got.err, "connection refused")
			require.Contains(t, got.err, "set POSTHASTE_URL or --url")
			require.Contains(t, lines(got.err)[0], "; trying again in ")
		})
	}

	t.Run("one that says so itself", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, map[string][]fakeAnswer{"POST /v1/deliveries/dlv_1/cancel": {away}})
		got := api.operate(t, "", "deliveries", "cancel", "dlv_1")
		require.Equal(t, terminal.CodeUnavailable, got.code)
		require.Regexp(t, `^status 503 unavailable: Temporal is away; trying again in \d`, got.err)
		require.Len(t, lines(got.err), 4, "a line for each retry, and one for the end")
		require.Len(t, api.calls(), 4)
	})

	t.Run("one that may have acted is not asked a second time to act", func(t *testing.T) {
		t.Parallel()
		for answer, calls := range map[fakeAnswer]int{away: 1, busy: 4} {
			api := newFakeAPI(t, map[string][]fakeAnswer{"POST /v1/deliveries/dlv_1/redeliver": {answer}})
			got := api.operate(t, "", "deliveries", "redeliver", "dlv_1")
			require.Equal(t, terminal.CodeUnavailable, got.code)
			require.Len(t, api.calls(), calls, answer.body)
		}
	})
}

func TestManyIDs(t *testing.T) {
	t.Parallel()

	cancels := func(id string, answer fakeAnswer) map[string][]fakeAnswer {
		return map[string][]fakeAnswer{
			"POST /v1/deliveries/dlv_1/cancel":      ok(deliveryJSON),
			"POST /v1/deliveries/" + id + "/cancel": {answer},
		}
	}

	t.Run("all are tried, and the gravest failure counts", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, cancels("dlv_2", conflict))
		got := api.operate(t, "", "deliveries", "cancel", "dlv_2", "dlv_3", "dlv_1")
		require.Equal(t, terminal.CodeNotFound, got.code)
		require.Equal(t, []string{"dlv_1: cancellation requested (was pending)"}, lines(got.out))
		require.Len(t, lines(got.err), 3)
		require.Contains(t, got.err, "dlv_2: status 409 conflict: the delivery is delivered")
		require.Contains(t, got.err, "dlv_3: status 404")
		require.Contains(t, got.err, "2 of 3 failed")
	})

	t.Run("as JSON those that worked are a list", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, cancels("dlv_2", conflict))
		got := api.operate(t, "", "deliveries", "cancel", "dlv_2", "dlv_1", "-o", "json")
		require.Equal(t, terminal.CodeConflict, got.code)
		var done []struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(got.out), &done))
		require.Len(t, done, 1)
		require.Equal(t, "dlv_1", done[0].ID)
	})
}

func TestUsage(t *testing.T) {
	t.Parallel()

	api := newFakeAPI(t, nil)
	for _, args := range []string{
		"deliveries", "deliveries nonsense", "deliveries get", "deliveries list --status odd", "deliveries list --since soon",
		"deliveries list --since -2h", "publish", "publish a {bad", "publish a null --metadata odd", "recover start sub_1", "replay", "replay f --delivery dlv_1",
		"subscriptions create https://x --from {\"nonsense\":1}", "sources create", "sources create x --from {\"nonsense\":1}", "sources get ../x", "deliveries get ../x",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			output, code := runHere(t, append(strings.Fields(args), "--url="+api.url)...)
			require.Equal(t, terminal.CodeUsage, code)
			require.NotContains(t, output, "unknown flag --url")
			require.Len(t, lines(output), 1, output)
			require.Empty(t, api.calls())
		})
	}

	for name, url := range map[string]string{"no URL": "nonsense", "a URL with a password": "http://me:hidden@x.example"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, code := runHere(t, "deliveries", "list", "--url", url)
			require.Equal(t, terminal.CodeUsage, code)
			require.NotContains(t, output, "hidden")
		})
	}
}

func TestEnvironment(t *testing.T) {
	api := newFakeAPI(t, map[string][]fakeAnswer{"GET /v1/deliveries": ok(listOf())})
	t.Setenv("POSTHASTE_URL", api.url)
	t.Setenv("POSTHASTE_API_KEY", testKey)
	output, code := runHere(t, "deliveries", "list")
	require.Zero(t, code, output)
	require.Equal(t, "Bearer "+testKey, api.calls()[0].key)
	require.Regexp(t, `^[^@]+@.+$`, api.calls()[0].actor)

	t.Setenv("POSTHASTE_ACTOR", "the robot")
	output, code = runHere(t, "deliveries", "list", "-o", "json")
	require.Zero(t, code, output)
	require.Equal(t, "the robot", api.calls()[1].actor)
	require.Equal(t, "[]\n", output)

	for _, args := range [][]string{{"deliveries", "--help"}, {"publish", "--help"}, {"deliveries", "list", "--nonsense"}} {
		output, _ = runHere(t, args...)
		require.NotContains(t, output, testKey)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()

	api := newFakeAPI(t, map[string][]fakeAnswer{"GET /v1/deliveries": ok(`{"data":[` + deliveryJSON + `,` + deliveryJSON + `],"next_cursor":"c"}`)})
	got := api.operate(t, "", "deliveries", "list", "--limit", "3")
	require.Zero(t, got.code)
	require.Len(t, lines(got.out), 4)
	require.Contains(t, got.err, "there are more")
	require.Equal(t, "GET /v1/deliveries?cursor=c&limit=4", api.calls()[1].what)

	require.Equal(t, "a "+strings.Repeat("é", 77)+"…", shorten(terminal.Printable("a\n"+strings.Repeat("é", 100)), 80))
}

func TestDataFromFile(t *testing.T) {
	t.Parallel()

	api := newFakeAPI(t, map[string][]fakeAnswer{"POST /v1/events": ok(eventJSON)})
	file := filepath.Join(t.TempDir(), "data.json")
	require.NoError(t, os.WriteFile(file, []byte("[1, 2]\n"), 0o600))
	require.Zero(t, api.operate(t, "", "publish", "a", "@"+file).code)
	require.Contains(t, api.calls()[0].body, `"data":[1, 2]`)

	for name, file := range map[string]string{"that is not there": file + ".not", "that is a folder": t.TempDir()} {
		for _, args := range []string{"publish a", "sources create github --credential", "subscriptions create https://x.example --from"} {
			t.Run(args+" of a file "+name, func(t *testing.T) {
				t.Parallel()
				got := api.operate(t, "", append(strings.Fields(args), "@"+file)...)
				require.Equal(t, terminal.CodeUsage, got.code)
				require.Contains(t, got.err, file)
				require.NotContains(t, got.err, "trying again")
			})
		}
	}
	require.Contains(t, api.operate(t, "", "publish", "a", "@"+file+".not").err, "there is no file "+file+".not: create it first, or give the name of an existing file")
}

func TestStopped(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := newFakeAPI(t, nil).operateUntil(ctx, "", "publish", "a")
	require.Equal(t, terminal.CodeFailure, got.code, "nothing was published, so a script must not go on")
}
