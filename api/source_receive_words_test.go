package api_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
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
		"\xef\xbb\xbf{}":          "{}",
		"\xff\xfe{\x00}\x00":      "{}",
		`{"a":"\u0000\ud83d"}`:    `{"a":"\u0000\ud83d"}`,
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

// What would lose something as JSON is refused to its provider, with the reason, and with 401 to everybody else.
func TestReceiveRefusesWhatItWouldDestroy(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(d *api.Deps) { d.MaxBody = 1000 })
	id := h.source(`{` + goodSource + `}`)
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 1001))
	require.NoError(t, w.Close())
	for body, tc := range map[string]struct {
		header, value string
		status        int
		code          models.Code
		says          string
	}{
		"\xff":                          {"Content-Type", "image/png", http.StatusUnsupportedMediaType, "unsupported_media_type", "it is not utf-8"},
		"{\"a\":\"\xff\"}":              {"Content-Type", "application/json", http.StatusUnsupportedMediaType, "unsupported_media_type", "it is not utf-8"},
		"{}":                            {"Content-Encoding", "br", http.StatusUnsupportedMediaType, "unsupported_media_type", `"br" is not one of`},
		"[]":                            {"Content-Type", "text/plain; charset=big5", http.StatusUnsupportedMediaType, "unsupported_media_type", `"big5" is not one of`},
		bomb.String():                   {"Content-Encoding", "gzip", http.StatusRequestEntityTooLarge, models.CodeTooLarge, "decompressed"},
		strings.Repeat("x", 3) + "\xc3": {"X-Other", "1", http.StatusUnsupportedMediaType, "unsupported_media_type", "it is not utf-8"},
	} {
		headers := []string{tc.header, tc.value, "X-GitHub-Event", "push", "X-Hub-Signature-256"}
		a := h.post(http.MethodPost, "/in/"+id, body, append(headers, "sha256="+sign(hush, body))...)
		require.Contains(t, a.isProblem(tc.status, tc.code, ""), tc.says)
		require.Equal(t, tc.value == "br", a.header.Get("Accept-Encoding") != "")
		a = h.post(http.MethodPost, "/in/"+id, body, append(headers, "sha256="+sign("guess", body))...)
		a.isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
		require.Empty(t, a.header.Get("Accept-Encoding"))
	}
	h.requireNothingStored()
	require.Contains(t, h.get("/metrics").body, `posthaste_webhooks_total{outcome="encoding",provider="github"} 1`)
	require.Contains(t, h.get("/metrics").body, `posthaste_webhooks_total{outcome="not_text",provider="github"} 4`)
	require.Contains(t, h.get("/metrics").body, `posthaste_webhooks_total{outcome="too_large",provider="github"} 1`)
}

// What is compressed, or in another charset, is verified as it came and stored as the JSON that it is.
func TestReceiveDecodes(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.source(`{` + goodSource + `}`)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(`{"action":"opened"}`))
	require.NoError(t, w.Close())
	for body, tc := range map[string]struct{ header, value, want string }{
		packed.String():                   {"Content-Encoding", "gzip", `{"action":"opened"}`},
		"{\"name\":\"Garc\xeda\"}":        {"Content-Type", "application/json; charset=iso-8859-1", `{"name":"García"}`},
		"\xef\xbb\xbf{\"type\":\"paid\"}": {"Content-Type", "application/json", `{"type":"paid"}`},
		"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.bin\"\r\n\r\n\xff\r\n--b--\r\n": {
			"Content-Type", "multipart/form-data; boundary=b", `{"a":"1","f":{"filename":"f.bin","size":1}}`,
		},
	} {
		h.post(http.MethodPost, "/in/"+id, body, tc.header, tc.value, "X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+sign(hush, body)).isEmpty()
		require.Equal(t, tc.want, string(h.events()[0].Data))
	}
}
