package api_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

func sign(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// post sends a request as a provider does: without our key. Headers come in pairs.
func (h *harness) post(method, target, body string, headers ...string) *answer {
	h.t.Helper()
	request := httptest.NewRequestWithContext(h.t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return h.answer(request)
}

// push posts as GitHub does.
func (h *harness) push(source, event, delivery, body string) *answer {
	h.t.Helper()
	headers := []string{"Content-Type", "application/json", "X-GitHub-Event", event, "X-Hub-Signature-256", "sha256=" + sign(hush, body)}
	if delivery != "" {
		headers = append(headers, "X-GitHub-Delivery", delivery)
	}
	return h.post(http.MethodPost, "/in/"+source, body, headers...)
}

// isEmpty makes sure that the answer is 200 and nothing else.
func (a *answer) isEmpty() {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, a.body)
	require.Empty(a.t, a.body)
}

// events are all there are, newest first.
func (h *harness) events() []*models.Event {
	h.t.Helper()
	found, err := h.store.Events(h.t.Context(), models.EventFilter{})
	require.NoError(h.t, err)
	return found
}

func TestReceive(t *testing.T) {
	t.Parallel()

	t.Run("a webhook is an event of the source's tenant", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		source := h.source(`{"tenant":"acme",` + goodSource + `}`)
		const body = `{ "ref": "main", "ref": "<é>" }`
		h.push(source, "push", "72d3162e", body).isEmpty()
		require.Len(t, h.events(), 1)
		event := h.events()[0]
		require.Equal(t, "acme", event.Tenant)
		require.Equal(t, "github.push", event.Type)
		require.Equal(t, body, string(event.Data), "byte for byte")
		require.Equal(t, map[string]string{"source": source, "provider": "github", "delivery_id": "72d3162e"}, event.Metadata)
		require.Equal(t, source+"/72d3162e", event.IdempotencyKey)
		require.Equal(t, []string{event.ID}, h.dispatcher.ids())
	})

	t.Run("the same delivery again is answered alike and starts nothing", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		source, other := h.source(`{`+goodSource+`}`), h.source(`{`+goodSource+`}`)
		for range 3 {
			h.push(source, "push", "1", `{"a":1}`).isEmpty()
		}
		require.Len(t, h.events(), 1)
		h.push(other, "push", "1", `{"a":1}`).isEmpty()
		require.Len(t, h.events(), 2, "each source has ids of its own")
		require.Len(t, h.dispatcher.ids(), 2)
		require.NotContains(t, h.logs.String(), "reused")
		require.Equal(t, 2, strings.Count(h.logs.String(), `"level":"INFO","msg":"api.webhook_repeated"`), "somebody may wonder where it is")
		require.Contains(t, h.logs.String(), `"event_id":"`+h.events()[1].ID)
		require.Contains(t, h.get("/metrics").body, `posthaste_webhooks_total{outcome="repeated",provider="github"} 2`)
		require.Contains(t, h.get("/metrics").body, `posthaste_webhooks_total{outcome="accepted",provider="github"} 2`)
	})

	t.Run("an id that comes again with other content is taken for a repetition, with a warning", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		source := h.source(`{` + goodSource + `}`)
		h.push(source, "push", "1", `{"a":"first"}`).isEmpty()
		h.push(source, "push", "1", `{"a":"second"}`).isEmpty()
		h.push(source, "ping", "1", `{"a":"first"}`).isEmpty()
		require.Len(t, h.events(), 1)
		require.JSONEq(t, `{"a":"first"}`, string(h.events()[0].Data))
		require.Len(t, h.dispatcher.ids(), 1)
		require.Equal(t, 2, strings.Count(h.logs.String(), `"level":"WARN","msg":"api.webhook_id_reused"`))
		require.Contains(t, h.logs.String(), h.events()[0].ID)
		require.NotContains(t, h.logs.String(), "second")
		require.Contains(t, h.get("/metrics").body, `posthaste_webhooks_total{outcome="reused",provider="github"} 2`)
	})

	t.Run("without an id nothing is a repetition", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		source := h.source(`{` + goodSource + `}`)
		h.push(source, "push", "", `{}`).isEmpty()
		h.push(source, "push", "", `{}`).isEmpty()
		require.Len(t, h.events(), 2)
		require.Empty(t, h.events()[0].IdempotencyKey)
		require.NotContains(t, h.events()[0].Metadata, "delivery_id")
	})

	t.Run("without a key of ours, under any name, with any query", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, func(d *api.Deps) { d.APIKey = "" })
		id := text(t, h.do(http.MethodPost, sourcesPath, `{`+goodSource+`}`, "Host", "localhost").is(http.StatusCreated)["id"])
		h.push(id+"?utm=1&utm=2", "push", "1", `{}`).isEmpty() // its Host is example.com
		require.Len(t, h.events(), 1)
	})

	t.Run("any credential fits, until it is taken away", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{"provider":"github","credentials":[{"secret":"new"},{"secret":"` + hush + `"}]}`)
		h.push(id, "push", "1", `{}`).isEmpty()
		h.do(http.MethodPatch, sourcesPath+"/"+id, `{"credentials":[{"secret":"new"}]}`).is(http.StatusOK)
		h.push(id, "push", "2", `{}`).isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
		h.do(http.MethodPatch, sourcesPath+"/"+id, `{"credentials":[{"secret":"`+hush+`"}]}`).is(http.StatusOK)
		h.push(id, "push", "3", `{}`).isEmpty()
		require.Len(t, h.events(), 2)
	})

	t.Run("settings make a provider of one's own", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{"provider":"hmac","credentials":[{"secret":"` + hush + `"}],"settings":{"name":"acme","event":"json.kind",
			"id":"header.Acme-Id","auth":[{"alg":"hmac-sha256","enc":"hex","sig":"header.Acme-Signature"}]}}`)
		const body = `{"kind":"order paid"}`
		h.post(http.MethodPost, "/in/"+id, body, "Acme-Signature", sign(hush, body), "Acme-Id", "7").isEmpty()
		require.Equal(t, "acme.order_paid", h.events()[0].Type)
		require.Equal(t, id+"/7", h.events()[0].IdempotencyKey)
	})
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()

	t.Run("what is not signed, without a word about why", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{` + goodSource + `}`)
		answers := map[string]bool{}
		for _, signature := range []string{"", "sha256=", "sha1=" + sign(hush, "{}"), "sha256=" + sign("other", "{}"), "sha256=" + sign(hush, "{} ")} {
			a := h.post(http.MethodPost, "/in/"+id, "{}", "X-Hub-Signature-256", signature, "X-GitHub-Event", "push", "X-Request-Id", "r")
			a.isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
			answers[a.body] = true
		}
		require.Len(t, answers, 1)
		h.requireNothingStored()
		require.Contains(t, h.logs.String(), "receivers: no credential fits")
		require.Contains(t, h.logs.String(), models.ShortSourceID(id))
		require.NotContains(t, h.logs.String(), id, "who can read the log cannot post")
		require.NotContains(t, h.logs.String(), hush)
	})

	t.Run("every path that leads nowhere alike", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		disabled := h.source(`{"status":"disabled",` + goodSource + `}`)
		answers := map[string]bool{}
		for _, path := range []string{
			"/in/" + disabled, "/in/" + models.NewSourceID(), "/in/src_1", "/in/" + models.NewID(models.EventPrefix), "/in/", "/in",
			"/in/" + h.source(`{`+goodSource+`}`) + "/", "/IN/" + disabled, "/in/" + strings.ToUpper(disabled), "/nowhere",
		} {
			a := h.post(http.MethodPost, path, "{}", "X-Hub-Signature-256", "sha256="+sign(hush, "{}"), "X-Request-Id", "r")
			a.isProblem(http.StatusNotFound, models.CodeNotFound, "")
			require.Empty(t, a.header.Get("Location"))
			answers[a.body] = true
		}
		require.Len(t, answers, 1)
		h.requireNothingStored()

		h.do(http.MethodPatch, sourcesPath+"/"+disabled, `{"status":"active"}`).is(http.StatusOK)
		h.push(disabled, "push", "1", "{}").isEmpty()
	})

	t.Run("other methods, and says which is right", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id, zendesk := h.source(`{`+goodSource+`}`), h.source(`{"provider":"zendesk","credentials":[{"secret":"a"}]}`)
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			a := h.post(method, "/in/"+id, "{}", "X-Hub-Signature-256", "sha256="+sign(hush, "{}"))
			a.isProblem(http.StatusMethodNotAllowed, "method_not_allowed", "")
			require.Equal(t, "POST", a.header.Get("Allow"))
		}
		a := h.post(http.MethodOptions, "/in/"+zendesk, "")
		require.Equal(t, "POST, PUT, PATCH, DELETE, GET", a.header.Get("Allow"))
		h.requireNothingStored()
	})

	t.Run("bodies over the limit", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, func(d *api.Deps) { d.MaxBody = 1000 })
		id := h.source(`{` + goodSource + `}`)
		h.push(id, "push", "1", `"`+strings.Repeat("x", 1000)+`"`).isProblem(http.StatusRequestEntityTooLarge, models.CodeTooLarge, "")
		h.requireNothingStored()
	})

	t.Run("for now, while the store is away", func(t *testing.T) {
		t.Parallel()
		away := models.Errorf(models.CodeUnavailable, "the database does not answer; try again")
		h := newHarness(t, withBroken(broken{err: away}))
		h.push(h.source(`{`+goodSource+`}`), "push", "1", "{}").isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
		require.Empty(t, h.dispatcher.ids())

		h = newHarness(t)
		id := h.source(`{` + goodSource + `}`)
		require.NoError(t, h.store.Close())
		h.push(id, "push", "1", "{}").isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
	})

	t.Run("for now, when a certificate cannot be fetched", func(t *testing.T) {
		t.Parallel()
		certificates := receivers.NewCertificates(nowhere{}, nil)
		h := newHarness(t, func(d *api.Deps) { d.Certificates = certificates })
		id := h.source(`{"provider":"paypal","credentials":[{"secret":"0EH40505U7160970P"}]}`)
		a := h.post(http.MethodPost, "/in/"+id, "{}", "Paypal-Transmission-Sig", "AAAA", "Paypal-Transmission-Id", "1", "Paypal-Transmission-Time",
			time.Now().UTC().Format(time.RFC3339), "Paypal-Auth-Algo", "SHA256withRSA", "Paypal-Cert-Url", "https://api.paypal.com/v1/certs/x")
		require.NotContains(t, a.isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, ""), "paypal")
		require.Contains(t, h.logs.String(), "no road")
	})

	t.Run("and does not tell of settings that an older version took", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		source := models.NewSource(models.Source{
			Provider: "github", Credentials: []models.SourceCredential{{Secret: hush}}, Settings: json.RawMessage(`{"gone":1}`),
		}, time.Now())
		require.NoError(t, h.store.CreateSource(t.Context(), source))
		a := h.push(source.ID, "push", "1", "{}")
		require.Equal(t, "internal error", a.isProblem(http.StatusInternalServerError, models.CodeInternal, ""))
		require.Contains(t, h.logs.String(), "settings.gone")
		h.do(http.MethodPatch, sourcesPath+"/"+source.ID, `{"status":"disabled"}`).is(http.StatusOK)
	})
}

// nowhere fetches nothing.
type nowhere struct{}

func (nowhere) Fetch(context.Context, string) ([]byte, error) { return nil, errors.New("no road") }
