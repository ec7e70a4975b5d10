package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
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
		{`{"public_url":" HTTPS://Hooks.example:443/a b "}`, func(s *models.Source) { s.PublicURL = "https://hooks.example/a%20b" }},
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
		"one of the wrong kind":   {`"provider":"standard","credentials":[{"secret":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},{"secret":"a"}]`, "credentials[1]", "is not the base64 of a secret"},
		"a public key for GitHub": {`"provider":"github","credentials":[{"secret":"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}]`, "credentials[0]", "begins with whpk_"},
		"no id where there must be": {
			`"provider":"pusher","credentials":[{"id":"a","secret":"a"},{"secret":"b"}]`, "credentials[1].id", "is required",
		},
		"no public URL where it is signed": {`"provider":"twilio","credentials":[{"secret":"a"}]`, "public_url", "twilio signs the URL"},
		"a public URL with a query":        {`"public_url":"https://x.example?a=1",` + goodSource, "public_url", "query"},
		"settings that are no object":      {`"settings":[],` + goodSource, "settings", "must be an object"},
		"settings with an unknown field":   {`"settings":{"auth":[{"algo":"x"}]},` + goodSource, "settings.auth[0].algo", "not a known field"},
		"quotation marks":                  {`"provider":"github","credentials":[{"secret":"'abc'"}]`, "credentials[0]", "quotation marks"},
		"the name of a variable":           {`"provider":"github","credentials":[{"secret":"export HOOK_SECRET=abc"}]`, "credentials[0]", "name of a variable"},
		"a mark in the middle":             {`"provider":"github","credentials":[{"secret":"a\u200bb"}]`, "credentials[0]", "not seen"},
		"nothing but a line break":         {`"provider":"github","credentials":[{"secret":"\n"}]`, "credentials[0].secret", "is required"},
		"a version before the secret":      {`"provider":"standard","credentials":[{"secret":"v1,whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]`, "credentials[0]", "v1,"},
		"base64 for URLs":                  {`"provider":"standard","credentials":[{"secret":"whsec_-_ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]`, "credentials[0]", "base64 for URLs"},
		"no password":                      {`"provider":"basic","credentials":[{"secret":"QTpi"}]`, "credentials[0]", "user:password"},
		"the word of the scheme":           {`"provider":"bearer","credentials":[{"secret":"bearer abc"}]`, "credentials[0]", "not part of it"},
		"a scheme that is not there":       {`"provider":"github","credentials":[{"secret":"a","scheme":"b"}]`, "credentials[0]", "one without a name"},
		"a time_as that is no layout":      {`"settings":{"auth":[{"alg":"hmac-sha256","enc":"hex","sig":"header.S","signed":"{header.T}{body}","time":"header.T","time_as":"millis"}]},` + goodSource, "settings", "s, ms, us and ns"},
		"a token that is signed":           {`"settings":{"auth":[{"alg":"hmac-sha256","enc":"hex","sig":"json.s","signed":"{json.t}"}]},` + goodSource, "settings", `"covers": "fields"`},
		"braces":                           {`"settings":{"challenges":[{"method":"POST","if":"json.type","is":"1","reply":"{\"type\":1}"}]},` + goodSource, "settings", "{{ or }}"},
		"a token beside signatures":        {`"settings":{"auth":[{"alg":"hmac-sha256","enc":"hex","sig":"header.S"},{"alg":"equal","sig":"query.t"}]},` + goodSource, "settings", `"for": "challenge"`},
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
			BringsSecret    bool `json:"brings_secret"`
			SendsDeliveryID bool `json:"sends_delivery_id"`
			SignsDeliveryID bool `json:"signs_delivery_id"`
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
		require.Equal(t, name == "twilio" || name == "trello" || name == "mandrill" || name == "hubspot", p.NeedsPublicURL, name)
		require.Equal(t, receivers.Named(name).ID != "", p.SendsDeliveryID, name)
		require.Equal(t, receivers.Named(name).SignsID(), p.SignsDeliveryID, name)
		require.Equal(t, receivers.Named(name).BringsSecret(), p.BringsSecret, name)
	}
}

// What is pasted around a secret and not seen does not count; see receivers for what is refused.
func TestSecretsAreTrimmed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for _, around := range [][2]string{{"", `\n`}, {"", `\r\n`}, {" ", " "}, {`\ufeff`, ""}, {`\t`, `\u200b`}, {`\u00a0`, `\u2060\n`}} {
		id := h.source(`{"provider":"github","credentials":[{"secret":"` + around[0] + hush + around[1] + `"}]}`)
		h.push(id, "push", "", "{}").isEmpty()
		h.do(http.MethodPatch, sourcesPath+"/"+id, `{"credentials":[{"secret":"`+around[0]+`new`+around[1]+`"}]}`).is(http.StatusOK)
		stored, err := h.store.Source(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []models.SourceCredential{{Secret: "new"}}, stored.Credentials)

		made := h.do(http.MethodPost, "/v1/subscriptions", `{"url":"https://a.example","event_types":["*"],"signature":"github","secret":"`+around[0]+hush+around[1]+`"}`)
		path := "/v1/subscriptions/" + text(t, made.is(http.StatusCreated)["id"])
		require.Equal(t, hush, h.get(path + "/secret").is(http.StatusOK)["secret"])
		rotated := h.do(http.MethodPost, path+"/rotate-secret", `{"secret":"`+around[0]+hush+"2"+around[1]+`"}`).is(http.StatusOK)
		require.Equal(t, hush+"2", rotated["secret"])
	}
	for _, bad := range []string{`'` + hush + `'`, `export SECRET=` + hush, hush[:9] + `\n` + hush[9:]} {
		h.do(http.MethodPost, "/v1/subscriptions", `{"url":"https://a.example","event_types":["*"],"signature":"github","secret":"`+bad+`"}`).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "secret")
	}
}

const asanaLike = `{"provider":"hmac","credentials":[],"settings":{"auth":[{"alg":"hmac-sha256","enc":"hex","sig":"header.X-Hook-Signature"}],
	"challenges":[{"method":"POST","if":"header.X-Hook-Secret","unless":"header.X-Hook-Signature","keep":"header.X-Hook-Secret",
	"headers":{"X-Hook-Secret":"{header.X-Hook-Secret}"},"status":204}]}}`

func TestSecretsThatProvidersBring(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.source(asanaLike)
	path := "/in/" + id
	shake := func(secret string) *answer { return h.post(http.MethodPost, path, "{}", "X-Hook-Secret", secret) }
	signed := func(secret string) *answer {
		return h.post(http.MethodPost, path, `{"a":1}`, "X-Hook-Signature", sign(secret, `{"a":1}`))
	}
	const first, other = "the first secret of theirs", "another secret of theirs"
	require.Equal(t, http.StatusUnauthorized, signed(first).status)
	require.Equal(t, http.StatusUnauthorized, signed("").status, "an empty secret is none")

	a := shake(first)
	require.Equal(t, http.StatusNoContent, a.status, a.body)
	require.Equal(t, first, a.header.Get("X-Hook-Secret"))
	stored, err := h.store.Source(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []models.SourceCredential{{Secret: first}}, stored.Credentials)
	require.Equal(t, []string{"source.keep_secret hmac: the provider's handshake", "source.create api: "}, h.audited(id))
	require.Equal(t, http.StatusOK, signed(first).status)

	require.Equal(t, http.StatusNoContent, shake(first).status, "an answer was lost")
	require.Equal(t, http.StatusUnauthorized, shake(other).status, "never another")
	require.Equal(t, http.StatusUnauthorized, signed(other).status)
	require.Len(t, h.audited(id), 2)

	h.do(http.MethodPatch, sourcesPath+"/"+id, `{"credentials":[]}`).is(http.StatusOK)
	require.Equal(t, http.StatusUnauthorized, signed(first).status)
	require.Equal(t, http.StatusNoContent, shake(other).status, "the operator had it wait for another")
	require.Equal(t, http.StatusOK, signed(other).status)
	require.NotContains(t, h.logs.String(), first)
	require.NotContains(t, h.logs.String(), other)
	require.Empty(t, h.get(sourcesPath + "/" + id).object()["credentials"].(map[string]any)["ids"])
}

// Two handshakes at once: one secret is kept, and only who brought that one hears that it was.
func TestTheFirstSecretIsKept(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.source(asanaLike)
	answers := make(chan *answer)
	for i := range 8 {
		go func() {
			answers <- h.post(http.MethodPost, "/in/"+id, "{}", "X-Hook-Secret", fmt.Sprintf("the secret with number %d", i))
		}()
	}
	var heard []string
	for range 8 {
		if a := <-answers; a.status == http.StatusNoContent {
			heard = append(heard, a.header.Get("X-Hook-Secret"))
		}
	}
	stored, err := h.store.Source(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{stored.Credentials[0].Secret}, heard)
	require.Len(t, stored.Credentials, 1)
}

// A secret that could not be stored is not answered: the provider would sign with it.
func TestSecretsAreStoredBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(d *api.Deps) { d.Store = forgetful{d.Store} })
	a := h.post(http.MethodPost, "/in/"+h.source(asanaLike), "{}", "X-Hook-Secret", "the first secret of theirs")
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.Empty(t, a.header.Get("X-Hook-Secret"))
}

type forgetful struct{ api.Store }

func (forgetful) UpdateSource(context.Context, string, func(*models.Source) error, ...models.AuditEntry) (*models.Source, error) {
	return nil, errors.New("the disk is full")
}

func TestCredentialsOfSchemes(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	made := h.do(http.MethodPost, sourcesPath, `{"provider":"hmac","credentials":[{"secret":"`+hush+`"},{"secret":"verify-me","scheme":"token"}],"settings":{"auth":[
		{"alg":"hmac-sha256","enc":"hex","sig":"header.X-Hub-Signature-256","prefix":"sha256="},{"alg":"equal","sig":"query.hub.verify_token","name":"token","for":"challenge"}],
		"challenges":[{"method":"GET","if":"query.hub.mode","is":"subscribe","signed":true,"refuse":404,"reply":"{query.hub.challenge}"}]}}`).is(http.StatusCreated)
	require.Equal(t, map[string]any{"count": 2.0, "schemes": []any{"token"}}, made["credentials"])
	path := "/in/" + text(t, made["id"])
	ask := path + "?hub.mode=subscribe&hub.challenge=115&hub.verify_token="
	require.Equal(t, "115", h.post(http.MethodGet, ask+"verify-me", "").body)
	require.Equal(t, http.StatusNotFound, h.post(http.MethodGet, ask+"no", "").status)
	require.Equal(t, http.StatusUnauthorized, h.post(http.MethodPost, path+"?hub.verify_token=verify-me", "{}").status)
	require.Equal(t, http.StatusUnauthorized, h.post(http.MethodPost, path, "{}", "X-Hub-Signature-256", "sha256="+sign("verify-me", "{}")).status)
	require.Equal(t, http.StatusOK, h.post(http.MethodPost, path, "{}", "X-Hub-Signature-256", "sha256="+sign(hush, "{}")).status)
}
