package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// Whatever a provider calls its event and its delivery, an event can be stored of it.
func TestReceiveAnyWords(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.source(`{` + goodSource + `}`)
	for event, want := range map[string]string{
		"push": "github.push", "repo:push": "github.repo_push", "orders/create": "github.orders_create", "Push Hook": "github.Push_Hook",
		"a.b-c_d": "github.a.b-c_d", "..a..b..": "github.a.b", "...": "github.webhook", "": "github.webhook", "é\xff": "github.__",
		"order.*": "github.order._", strings.Repeat("a", 300): "github." + strings.Repeat("a", 248),
		strings.Repeat("a", 247) + ".b": "github." + strings.Repeat("a", 247),
	} {
		h.push(id, event, "", "{}").isEmpty()
		require.Equal(t, want, h.events()[0].Type)
	}
	seen := map[string]bool{}
	for _, delivery := range []string{
		"1", strings.Repeat("a", 214), strings.Repeat("a", 215), strings.Repeat("a", 1024), strings.Repeat("b", 1024), "\xff", "\xfe", "?",
		strings.Repeat("é", 512), " spaced out ",
	} {
		h.push(id, "push", delivery, "{}").isEmpty()
		event := h.events()[0]
		require.True(t, strings.HasPrefix(event.IdempotencyKey, id+"/"), delivery)
		seen[event.IdempotencyKey] = true
		require.LessOrEqual(t, len(event.Metadata["delivery_id"]), models.MaxMetadataValue)
		require.NotEmpty(t, event.Metadata["delivery_id"])
	}
	require.Len(t, seen, 10)
	require.Len(t, h.events(), 22)
}

func TestReceiveAnyBody(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.source(`{` + goodSource + `}`)
	for body, want := range map[string]string{
		"":                        "null",
		" ":                       `" "`,
		"plain text":              `"plain text"`,
		"\x00":                    `"\u0000"`,
		"{\"a\":\"\xff\xfe\"}":    "{\"a\":\"\uFFFD\"}",
		"\xff":                    `"\ufffd"`,
		` [1,  2] `:               ` [1,  2] `,
		`{"n":9007199254740993}`:  `{"n":9007199254740993}`,
		strings.Repeat("[", 20e3): `"` + strings.Repeat("[", 20e3) + `"`,
	} {
		h.push(id, "push", "", body).isEmpty()
		require.Equal(t, want, string(h.events()[0].Data))
	}
	form := "payload=%7B%22a%22%3A1%7D"
	h.post(http.MethodPost, "/in/"+id, form, "Content-Type", "application/x-www-form-urlencoded", "X-Hub-Signature-256", "sha256="+sign(hush, form)).isEmpty()
	require.Equal(t, `{"a":1}`, string(h.events()[0].Data))
}
