package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

const oauth = `{"type":"oauth2","token_url":"https://login.example/token","client_id":"me","client_secret":"hush","scopes":["a"]}`

func TestAccess(t *testing.T) {
	t.Parallel()
	create := func(h *harness, more string) *answer {
		return h.do(http.MethodPost, "/v1/subscriptions", `{"url":"https://a.example","event_types":["*"],`+more+`}`)
	}

	t.Run("is kept, and shown without its secrets", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		var out struct{ ID string }
		created := create(h, `"auth":`+oauth)
		created.read(http.StatusCreated, &out)
		path := "/v1/subscriptions/" + out.ID
		for _, body := range []string{created.body, h.get(path).body, h.get("/v1/subscriptions").body} {
			require.NotContains(t, body, "hush")
			require.Contains(t, body, `"client_secret":"[redacted]"`)
			require.Contains(t, body, "login.example")
		}
		sub, err := h.store.Subscription(t.Context(), out.ID)
		require.NoError(t, err)
		require.Equal(t, "hush", sub.Auth.ClientSecret)

		h.do(http.MethodPatch, path, `{"auth":`+strings.ReplaceAll(strings.ReplaceAll(oauth, "hush", "[redacted]"), `"me"`, `"you"`)+`}`).
			is(http.StatusOK)
		sub, err = h.store.Subscription(t.Context(), out.ID)
		require.NoError(t, err)
		require.Equal(t, "you", sub.Auth.ClientID)
		require.Equal(t, "hush", sub.Auth.ClientSecret)

		h.do(http.MethodPatch, path, `{"auth":null}`).is(http.StatusOK)
		sub, err = h.store.Subscription(t.Context(), out.ID)
		require.NoError(t, err)
		require.False(t, sub.Auth.Enabled())
	})

	t.Run("what does not fit is refused by name", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for more, field := range map[string]string{
			`"auth":{"type":"magic"}`:                             "auth.type",
			`"auth":{"type":"basic"}`:                             "auth.username",
			`"auth":{"type":"bearer","password":"x"}`:             "auth.password",
			`"auth":{"type":"bearer","token":"x","tok":"y"}`:      "auth.tok",
			`"auth":{"type":"bearer","token":5}`:                  "auth.token",
			`"tls":{"ca":"not PEM"}`:                              "tls.ca",
			`"tls":{"client_cert":"x"}`:                           "tls.client_key",
			`"auth":` + strings.ReplaceAll(oauth, "https", "ftp"): "auth.token_url",
		} {
			create(h, more).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		}
	})
}

func TestDestinationsAreJudgedWhenSaved(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	body := func(url string) string { return `{"url":"` + url + `","event_types":["*"]}` }
	detail := h.do(http.MethodPost, "/v1/subscriptions", body("https://blocked.example/hook")).
		isProblem(http.StatusBadRequest, models.CodeInvalid, "url")
	require.Contains(t, detail, "10.0.0.1")
	var out struct{ ID string }
	h.do(http.MethodPost, "/v1/subscriptions", body("https://open.example/hook")).read(http.StatusCreated, &out)
	path := "/v1/subscriptions/" + out.ID
	h.do(http.MethodPatch, path, `{"url":"https://blocked.example"}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "url")
	h.do(http.MethodPatch, path, `{"auth":`+strings.ReplaceAll(oauth, "login.", "blocked.")+`}`).
		isProblem(http.StatusBadRequest, models.CodeInvalid, "auth.token_url")
	require.Contains(t, h.get(path).body, "open.example")
}
