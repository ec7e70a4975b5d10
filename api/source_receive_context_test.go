package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// A webhook is more than its body: which shop it came from may stand in a header alone.
func TestReceiveKeepsTheRequest(t *testing.T) {
	t.Parallel()

	t.Run("its headers and its query, without signatures and credentials", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{` + goodSource + `}`)
		h.post(http.MethodPost, "/in/"+id+"?shop=a%20b&token=hidden&code=hidden&here="+id, "{}", "X-GitHub-Event", "push",
			"X-Hub-Signature-256", "sha256="+sign(hush, "{}"), "X-Hub-Signature", "sha1=hidden", "X-GitHub-Hook-ID", "42",
			"Authorization", "Bearer hidden", "X-Original-URI", "/in/"+id, "X-Leak", "it is "+hush, "X-Names-Us", "/in/"+id,
			"X-Forwarded-For", "10.0.0.7", "User-Agent", "GitHub-Hookshot/1").isEmpty()
		event := h.events()[0]
		shown := h.get("/v1/events/" + event.ID).is(http.StatusOK)
		require.Equal(t, map[string]any{
			"method": "POST", "query": "shop=a%20b",
			"headers": map[string]any{"X-Github-Event": []any{"push"}, "X-Github-Hook-Id": []any{"42"}, "User-Agent": []any{"GitHub-Hookshot/1"}},
		}, shown["request"])
		kept, err := json.Marshal(event.Received)
		require.NoError(t, err)
		for _, private := range []string{hush, "hidden", id, sign(hush, "{}"), "10.0.0.7"} {
			require.NotContains(t, string(kept), private)
		}
		require.NotContains(t, h.get("/v1/events").body, "Hookshot", "a list has no room for it")
	})

	t.Run("and nothing of a secret that is in the URL", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{"provider":"wordpress","credentials":[{"secret":"a word in the URL"}]}`)
		h.post(http.MethodPost, "/in/"+id+"?code=a+word+in+the+URL&blog=7", "hook=publish_post", "Content-Type", "application/x-www-form-urlencoded",
			"X-Uri", "/in?code=a word in the URL").isEmpty()
		require.Equal(t, "blog=7", h.events()[0].Received.Query)
		require.NotContains(t, h.events()[0].Received.Headers, "X-Uri")
	})

	t.Run("a repetition with other headers is the same event", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{` + goodSource + `}`)
		for _, attempt := range []string{"1", "2"} {
			h.post(http.MethodPost, "/in/"+id, "{}", "X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+sign(hush, "{}"),
				"X-GitHub-Delivery", "7", "X-Attempt-Number", attempt).isEmpty()
		}
		require.Len(t, h.events(), 1)
		require.Equal(t, "1", h.events()[0].Received.Headers.Get("X-Attempt-Number"))
		require.NotContains(t, h.logs.String(), "api.webhook_id_reused")
	})

	t.Run("what was published has none", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		require.NotContains(t, h.get("/v1/events/"+h.publish(eventBody)).is(http.StatusOK), "request")
	})
}

func TestForwardHeaders(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	created := h.do(http.MethodPost, subscriptionsPath, `{`+goodSub+`}`).is(http.StatusCreated)
	require.Equal(t, []any{"*"}, created["forward_headers"])
	path := subscriptionsPath + "/" + text(t, created["id"])
	for body, want := range map[string][]any{
		`["X-Shopify-*","Ce-Id"]`: {"X-Shopify-*", "Ce-Id"}, `[]`: {}, `null`: {"*"},
	} {
		require.Equal(t, want, h.do(http.MethodPatch, path, `{"forward_headers":`+body+`}`).is(http.StatusOK)["forward_headers"])
		require.Equal(t, want, h.get(path).is(http.StatusOK)["forward_headers"])
	}
	detail := h.do(http.MethodPatch, path, `{"forward_headers":["Authorization"]}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "forward_headers[0]")
	require.Contains(t, detail, "never forwarded")
}
