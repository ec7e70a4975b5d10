package api_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

// read requires the status and reads the answer.
func (a *answer) read(status int, out any) {
	a.t.Helper()
	a.is(status)
	require.NoError(a.t, json.Unmarshal([]byte(a.body), out))
}

// subscribed creates a subscription with the signature and returns its path, id and what signs.
func (h *harness) subscribed(signature models.Signature) (path, id, secret string) {
	h.t.Helper()
	var out struct{ ID string }
	h.do(http.MethodPost, "/v1/subscriptions",
		`{"url":"https://a.example","event_types":["*"],"signature":"`+string(signature)+`"}`).read(http.StatusCreated, &out)
	path = "/v1/subscriptions/" + out.ID
	var keys struct {
		Secret     string
		PrivateKey string `json:"private_key"`
	}
	h.do(http.MethodGet, path+"/secret", "").read(http.StatusOK, &keys)
	return path, out.ID, cmp.Or(keys.Secret, keys.PrivateKey)
}

func TestSignatures(t *testing.T) {
	t.Parallel()

	t.Run("every signature is a profile of package webhook, and the other way round", func(t *testing.T) {
		t.Parallel()
		var names []models.Signature
		for _, p := range webhook.Profiles() {
			names = append(names, models.Signature(p))
		}
		require.Equal(t, names, models.Signatures())
	})

	t.Run("a new secret fits the signature", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for _, signature := range models.Signatures() {
			_, _, secret := h.subscribed(signature)
			_, err := webhook.Profile(signature).ParseSecret(secret)
			require.NoError(t, err)
		}
	})

	t.Run("a given secret is judged by the signature", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		body := func(signature, secret string) string {
			return `{"url":"https://a.example","event_types":["*"],"signature":"` + signature + `","secret":"` + secret + `"}`
		}
		h.do(http.MethodPost, "/v1/subscriptions", body("github", "It's a secret to everybody")).is(http.StatusCreated)
		for signature, secret := range map[string]string{"standard": "sixteen characters", "github": "short", "standard-ed25519": "whsec_dmVyeSBzZWNyZXQ="} {
			h.do(http.MethodPost, "/v1/subscriptions", body(signature, secret)).
				isProblem(http.StatusBadRequest, models.CodeInvalid, "secret")
		}
	})

	t.Run("a change of signature must fit the secrets there are", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, _, _ := h.subscribed(models.SignatureStandard)
		h.do(http.MethodPatch, path, `{"signature":"stripe"}`).is(http.StatusOK)
		h.do(http.MethodPatch, path, `{"signature":"standard"}`).is(http.StatusOK)
		h.do(http.MethodPatch, path, `{"signature":"standard-ed25519"}`).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "signature")
	})
}

func TestPublicKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	path, _, text := h.subscribed(models.SignatureEd25519)
	secret, err := webhook.StandardEd25519.ParseSecret(text)
	require.NoError(t, err)
	public, err := secret.PublicKey()
	require.NoError(t, err)
	var out struct {
		PublicKey  string   `json:"public_key"`
		PublicKeys []string `json:"public_keys"`
	}
	h.do(http.MethodGet, path+"/public-key", "").read(http.StatusOK, &out)
	require.Equal(t, public.String(), out.PublicKey)
	require.Equal(t, []string{public.String()}, out.PublicKeys)

	h.do(http.MethodPost, path+"/rotate-secret", "").is(http.StatusOK)
	h.do(http.MethodGet, path+"/public-key", "").read(http.StatusOK, &out)
	require.Len(t, out.PublicKeys, 2)
	require.Equal(t, out.PublicKey, out.PublicKeys[0])
	require.Equal(t, public.String(), out.PublicKeys[1])

	other, _, _ := h.subscribed(models.SignatureStandard)
	h.do(http.MethodGet, other+"/public-key", "").isProblem(http.StatusConflict, models.CodeConflict, "")
	h.do(http.MethodGet, "/v1/subscriptions/"+models.NewID(models.SubscriptionPrefix)+"/public-key", "").
		isProblem(http.StatusNotFound, models.CodeNotFound, "")
}

// A receiver is given what an answer calls secret or public key. A private key is called that, and only one call has it.
func TestPrivateKeyIsNoSecret(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	created := h.do(http.MethodPost, "/v1/subscriptions",
		`{"url":"https://a.example","event_types":["*"],"signature":"standard-ed25519"}`)
	var sub struct {
		ID        string
		PublicKey string `json:"public_key"`
	}
	created.read(http.StatusCreated, &sub)
	path := "/v1/subscriptions/" + sub.ID
	rotated := h.do(http.MethodPost, path+"/rotate-secret", "")
	var next struct {
		PublicKey string `json:"public_key"`
	}
	rotated.read(http.StatusOK, &next)
	require.NotEqual(t, sub.PublicKey, next.PublicKey)
	var public struct {
		Keys []string `json:"public_keys"`
	}
	h.do(http.MethodGet, path+"/public-key", "").read(http.StatusOK, &public)
	require.Equal(t, []string{next.PublicKey, sub.PublicKey}, public.Keys)
	for _, a := range []*answer{created, rotated, h.do(http.MethodGet, path, ""), h.do(http.MethodGet, "/v1/subscriptions", "")} {
		require.NotContains(t, a.body, "whsk_")
		require.NotContains(t, a.body, `"secret"`)
	}

	var private map[string]string
	h.do(http.MethodGet, path+"/secret", "").read(http.StatusOK, &private)
	require.Len(t, private, 1)
	require.True(t, strings.HasPrefix(private["private_key"], "whsk_"))
}

func TestRotateSecret(t *testing.T) {
	t.Parallel()

	t.Run("the new secret comes first and the old one stays for the grace", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, id, old := h.subscribed(models.SignatureStandard)
		var out struct {
			Secret   string
			Previous []time.Time `json:"previous_expires_at"`
		}
		h.do(http.MethodPost, path+"/rotate-secret", `{"grace":"1h"}`).read(http.StatusOK, &out)
		require.NotEqual(t, old, out.Secret)
		require.Len(t, out.Previous, 1)
		sub, err := h.store.Subscription(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []string{out.Secret, old}, sub.LiveSecrets(out.Previous[0].Add(-time.Second)))
		require.Equal(t, []string{out.Secret}, sub.LiveSecrets(out.Previous[0].Add(time.Second)))
		require.Contains(t, h.do(http.MethodGet, path+"/secret", "").body, out.Secret)
	})

	t.Run("without a body the grace is a day", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, id, _ := h.subscribed(models.SignatureStandard)
		h.do(http.MethodPost, path+"/rotate-secret", "").is(http.StatusOK)
		sub, err := h.store.Subscription(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, sub.LiveSecrets(sub.UpdatedAt.Add(23*time.Hour)), 2)
		require.Len(t, sub.LiveSecrets(sub.UpdatedAt.Add(25*time.Hour)), 1)
	})

	t.Run("no grace drops the old secret at once", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, id, _ := h.subscribed(models.SignatureGitHub)
		h.do(http.MethodPost, path+"/rotate-secret", `{"grace":"0s","secret":"a secret of one's own"}`).is(http.StatusOK)
		sub, err := h.store.Subscription(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []models.Secret{{Value: "a secret of one's own"}}, sub.Secrets)
	})

	t.Run("says which secret signs where there is room for one, and until when", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, id, old := h.subscribed(models.SignatureGitHub)
		type answer struct {
			Secret   string
			SignWith string      `json:"sign_with"`
			Previous []time.Time `json:"previous_expires_at"`
		}
		var rotated, shown answer
		h.do(http.MethodGet, path, "").read(http.StatusOK, &shown)
		require.Zero(t, shown)
		h.do(http.MethodPost, path+"/rotate-secret", `{"grace":"1h"}`).read(http.StatusOK, &rotated)
		require.Equal(t, "previous", rotated.SignWith)
		signs := func() string {
			sub, err := h.store.Subscription(t.Context(), id)
			require.NoError(t, err)
			return sub.SigningSecret(rotated.Previous[0].Add(-time.Second))
		}
		require.Equal(t, old, signs())
		h.do(http.MethodPatch, path, `{"sign_with":"new"}`).read(http.StatusOK, &shown)
		require.Equal(t, answer{SignWith: "new", Previous: rotated.Previous}, shown)
		require.Equal(t, rotated.Secret, signs())
		h.do(http.MethodPatch, path, `{"sign_with":"previous"}`).is(http.StatusOK)
		require.Equal(t, old, signs())
		h.do(http.MethodPost, path+"/rotate-secret", `{"sign_with":"new"}`).read(http.StatusOK, &rotated)
		require.Equal(t, "new", rotated.SignWith)
		require.Equal(t, rotated.Secret, signs())

		h.do(http.MethodPatch, path, `{"sign_with":"both"}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "sign_with")
		h.do(http.MethodPatch, path, `{"sign_with":null}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "sign_with")
		h.do(http.MethodPost, path+"/rotate-secret", `{"grace":"0s","sign_with":"previous"}`).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "sign_with")
		h.do(http.MethodPost, path+"/rotate-secret", `{"grace":"0s"}`).is(http.StatusOK)
		h.do(http.MethodPatch, path, `{"sign_with":"new"}`).isProblem(http.StatusConflict, models.CodeConflict, "")
	})

	t.Run("leaves no choice where all sign", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, _, _ := h.subscribed(models.SignatureStandard)
		var shown struct {
			SignWith string `json:"sign_with"`
		}
		h.do(http.MethodPost, path+"/rotate-secret", "").read(http.StatusOK, &shown)
		require.Equal(t, "all", shown.SignWith)
		for _, call := range [][2]string{{http.MethodPatch, path}, {http.MethodPost, path + "/rotate-secret"}} {
			h.do(call[0], call[1], `{"sign_with":"new"}`).isProblem(http.StatusBadRequest, models.CodeInvalid, "sign_with")
		}
		h.do(http.MethodPost, "/v1/subscriptions", `{"url":"https://8.8.4.4/","event_types":["*"],"sign_with":"new"}`).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "sign_with")
	})

	t.Run("refuses what makes no sense, and changes nothing", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, _, old := h.subscribed(models.SignatureStandard)
		for body, field := range map[string]string{
			`{"grace":"-1s"}`: "grace", `{"grace":"721h"}`: "grace", `{"grace":5}`: "grace", `{"secret":"x"}`: "secret", `{"x":1}`: "x",
		} {
			h.do(http.MethodPost, path+"/rotate-secret", body).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		}
		require.Contains(t, h.do(http.MethodGet, path+"/secret", "").body, old)
	})

	t.Run("only so many secrets live at a time", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, _, _ := h.subscribed(models.SignatureStandard)
		for range models.MaxLiveSecrets - 1 {
			h.do(http.MethodPost, path+"/rotate-secret", "").is(http.StatusOK)
		}
		h.do(http.MethodPost, path+"/rotate-secret", "").isProblem(http.StatusConflict, models.CodeConflict, "")
		h.do(http.MethodPost, path+"/rotate-secret", `{"grace":"0s"}`).is(http.StatusOK)
	})

	t.Run("answers elsewhere show no secret", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path, _, _ := h.subscribed(models.SignatureStandard)
		h.do(http.MethodPost, path+"/rotate-secret", "").is(http.StatusOK)
		for _, p := range []string{path, "/v1/subscriptions"} {
			require.NotContains(t, h.do(http.MethodGet, p, "").body, "whsec_", p)
		}
	})
}
