package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

const (
	sourcesPath = "/v1/sources"
	hush        = "It's a Secret to Everybody"
	goodSource  = `"provider":"github","credentials":[{"secret":"` + hush + `"}]`
)

// fullSource sets everything that can be set.
const fullSource = `{"tenant":"acme","name":"chat","provider":"pusher","public_url":"https://hooks.example/x/",
	"credentials":[{"id":"new","secret":"` + hush + `"},{"id":"old","secret":"` + hush + `!"}],
	"settings":{ "object": "json.kind", "methods": ["POST", "PUT"] },"status":"disabled"}`

// source makes a source through the API and returns its id.
func (h *harness) source(body string) string {
	h.t.Helper()
	return text(h.t, h.do(http.MethodPost, sourcesPath, body).is(http.StatusCreated)["id"])
}

func TestCreateSource(t *testing.T) {
	t.Parallel()

	t.Run("answers everything that was set, but the credentials", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, at(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		a := h.do(http.MethodPost, sourcesPath, fullSource)
		id := text(t, a.is(http.StatusCreated)["id"])
		require.True(t, models.ValidID(models.SourcePrefix, id))
		require.JSONEq(t, `{
			"id":"`+id+`", "tenant":"acme", "name":"chat", "provider":"pusher", "url":"https://hooks.example/x/in/`+id+`",
			"public_url":"https://hooks.example/x/", "credentials":{"count":2,"ids":["new","old"]},
			"settings":{"object":"json.kind","methods":["POST","PUT"]}, "status":"disabled",
			"created_at":"2026-03-01T12:00:00.000Z", "updated_at":"2026-03-01T12:00:00.000Z",
			"links":{"self":"/v1/sources/`+id+`"}}`, a.body)
		require.Equal(t, sourcesPath+"/"+id, a.header.Get("Location"))
		stored, err := h.store.Source(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []models.SourceCredential{{ID: "new", Secret: hush}, {ID: "old", Secret: hush + "!"}}, stored.Credentials)
	})

	t.Run("fills in the defaults, for null as well", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for _, body := range []string{
			`{` + goodSource + `}`,
			`{"tenant":null,"name":null,"public_url":null,"settings":null,"status":null,` + goodSource + `}`,
		} {
			a := h.do(http.MethodPost, sourcesPath, body)
			got := a.is(http.StatusCreated)
			require.Equal(t, "default", got["tenant"])
			require.Equal(t, "active", got["status"])
			require.Equal(t, "/in/"+text(t, got["id"]), got["url"])
			require.Equal(t, map[string]any{"count": 1.0}, got["credentials"])
			require.NotContains(t, a.body, "settings")
			require.NotContains(t, a.body, "public_url")
		}
	})
}

func TestCredentialsAreInNoAnswerAndNoLog(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	path := sourcesPath + "/" + h.source(fullSource)
	for _, a := range []*answer{
		h.get(path), h.get(sourcesPath), h.do(http.MethodPatch, path, `{"credentials":[{"id":"x","secret":"`+hush+`?"}]}`),
		h.do(http.MethodPost, sourcesPath, `{"provider":"standard","credentials":[{"secret":"`+hush+`"}]}`),
		h.do(http.MethodPost, sourcesPath, `{"provider":"`+hush+`","credentials":[{"secret":"`+hush+`"}]}`),
		h.do(http.MethodPost, sourcesPath, `{"provider":"github","credentials":"`+hush+`"}`),
	} {
		require.NotContains(t, strings.ReplaceAll(a.body, `provider \"`+hush, ""), hush)
	}
	require.NotContains(t, h.logs.String(), hush)
}

func TestPatchSource(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.source(fullSource)
	stored := func(t *testing.T) *models.Source {
		t.Helper()
		source, err := h.store.Source(t.Context(), id)
		require.NoError(t, err)
		return source
	}
	for _, step := range []struct {
		body   string
		change func(*models.Source)
	}{
		{`{}`, func(*models.Source) {}},
		{`{"name":"","status":"active"}`, func(s *models.Source) { s.Name, s.Status = "", models.SourceActive }},
		{`{"public_url":null,"settings":null}`, func(s *models.Source) { s.PublicURL, s.Settings = "", nil }},
		{`{"public_url":""}`, func(*models.Source) {}},
		{`{"credentials":[{"id":"k","secret":"other"}]}`, func(s *models.Source) {
			s.Credentials = []models.SourceCredential{{ID: "k", Secret: "other"}}
		}},
	} {
		want := stored(t)
		step.change(want)
		h.do(http.MethodPatch, sourcesPath+"/"+id, step.body).is(http.StatusOK)
		after := stored(t)
		require.True(t, after.UpdatedAt.After(want.UpdatedAt))
		want.UpdatedAt = after.UpdatedAt
		require.Equal(t, want, after, step.body)
	}

	before := stored(t)
	t.Cleanup(func() { // after all subtests
		after, err := h.store.Source(context.Background(), id)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
	for body, field := range map[string]string{
		`{"tenant":"acme"}`:                   "tenant",
		`{"provider":"pusher"}`:               "provider",
		`{"provider":null}`:                   "provider",
		`{"name":null}`:                       "name",
		`{"credentials":null}`:                "credentials",
		`{"credentials":[]}`:                  "credentials",
		`{"credentials":[{"secret":"a"}]}`:    "credentials[0].id",
		`{"status":null}`:                     "status",
		`{"status":"paused"}`:                 "status",
		`{"name":"new","settings":{"a":1}}`:   "settings.a",
		`{"settings":{"auth":[{"alg":"x"}]}}`: "settings",
		`{"id":"src_1"}`:                      "id",
	} {
		t.Run("refuses and changes nothing: "+body, func(t *testing.T) {
			t.Parallel()
			h.on(t).do(http.MethodPatch, sourcesPath+"/"+id, body).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		})
	}
}

func TestSourcesThatCannotReceiveAreRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	t.Cleanup(func() { // after all subtests
		found, err := h.store.Sources(context.Background(), models.SourceFilter{})
		require.NoError(t, err)
		require.Empty(t, found)
	})
	for name, bad := range map[string]struct{ body, field, detail string }{
		"no provider":             {`"credentials":[{"secret":"a"}]`, "provider", "is required"},
		"an unknown provider":     {`"provider":"githup","credentials":[{"secret":"a"}]`, "provider", "github, gitlab"},
		"no credentials":          {`"provider":"github"`, "credentials", "is required"},
		"null as credentials":     {`"provider":"github","credentials":null`, "credentials", "is required"},
		"an empty credential":     {`"provider":"github","credentials":[{"secret":"a"},{"secret":""}]`, "credentials[1].secret", "is required"},
		"a text as credential":    {`"provider":"github","credentials":["a"]`, "credentials[0]", "must be an object"},
		"one of the wrong kind":   {`"provider":"standard","credentials":[{"secret":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},{"secret":"a"}]`, "credentials[1]", "/v1/providers"},
		"a public key for GitHub": {`"provider":"github","credentials":[{"secret":"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}]`, "credentials[0]", "kind"},
		"no id where there must be": {
			`"provider":"pusher","credentials":[{"id":"a","secret":"a"},{"secret":"b"}]`, "credentials[1].id", "is required",
		},
		"no public URL where it is signed": {`"provider":"twilio","credentials":[{"secret":"a"}]`, "public_url", "twilio signs the URL"},
		"a public URL with a query":        {`"public_url":"https://x.example?a=1",` + goodSource, "public_url", "query"},
		"settings that are no object":      {`"settings":[],` + goodSource, "settings", "must be an object"},
		"settings with an unknown field":   {`"settings":{"auth":[{"algo":"x"}]},` + goodSource, "settings.auth[0].algo", "not a known field"},
		"settings that cannot work":        {`"settings":{"auth":[{"alg":"md5","sig":"header.A"}]},` + goodSource, "settings", `unknown algorithm "md5"`},
		"settings without proof":           {`"settings":{"auth":[]},` + goodSource, "settings", "cannot work"},
		"an unknown status":                {`"status":"paused",` + goodSource, "status", "active, disabled"},
		"an unknown field":                 {`"secret":"a",` + goodSource, "secret", "not a known field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			detail := h.on(t).do(http.MethodPost, sourcesPath, "{"+bad.body+"}").
				isProblem(http.StatusBadRequest, models.CodeInvalid, bad.field)
			require.Contains(t, detail, bad.detail)
		})
	}
}

func TestListAndDeleteSources(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first := h.source(fullSource)
	require.Eventually(t, func() bool { return models.ShortSourceID(models.NewSourceID()) > models.ShortSourceID(first) },
		time.Second, time.Millisecond)
	second := h.source(`{` + goodSource + `}`)
	for query, want := range map[string][]string{
		"": {second, first}, "?tenant=acme": {first}, "?tenant=default": {second}, "?tenant=x": nil, "?limit=1": {second},
	} {
		got, _ := h.listed(sourcesPath + query)
		require.Equal(t, want, got, query)
	}
	all, pages := h.walk(sourcesPath + "?limit=1")
	require.Equal(t, []string{second, first}, all)
	require.Equal(t, 2, pages)

	path := sourcesPath + "/" + first
	require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, path, "").status)
	h.get(path).isProblem(http.StatusNotFound, models.CodeNotFound, "")
	h.do(http.MethodDelete, path, "").isProblem(http.StatusNotFound, models.CodeNotFound, "")
	h.do(http.MethodPatch, sourcesPath+"/"+second, `{"name":"new"}`, "Posthaste-Actor", "Kim").is(http.StatusOK)
	require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, sourcesPath+"/"+second, "").status)
	require.Equal(t, []string{"source.delete api: ", "source.update Kim: ", "source.create api: "}, h.audited(second))
	entries, _ := h.listed(auditPath + "?action=source.delete&tenant=acme&subject=" + first)
	require.Len(t, entries, 1)
}

func TestProviders(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var got struct {
		Data []struct {
			Name            string
			Credentials     []string
			NeedsIDs        bool `json:"needs_credential_ids"`
			NeedsPublicURL  bool `json:"needs_public_url"`
			SendsDeliveryID bool `json:"sends_delivery_id"`
			Settings        receivers.Provider
		}
	}
	h.get("/v1/providers").read(http.StatusOK, &got)
	require.Len(t, got.Data, len(receivers.Names()))
	for i, name := range slices.Sorted(slices.Values(receivers.Names())) {
		p := got.Data[i]
		require.Equal(t, name, p.Name)
		require.NotEmpty(t, p.Credentials)
		require.NotContains(t, p.Credentials, "")
		require.Equal(t, receivers.Named(name), p.Settings)
		require.Equal(t, name == "pusher", p.NeedsIDs, name)
		require.Equal(t, name == "twilio" || name == "trello" || name == "mandrill", p.NeedsPublicURL, name)
		require.Equal(t, receivers.Named(name).ID != "", p.SendsDeliveryID, name)
	}
}
