package receivers_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

const costSecret = "a secret of a plain kind"

// plainRows sign the body alone with HMAC-SHA256.
var plainRows = map[string]func(sum []byte) (header, signature string){
	"github":    func(sum []byte) (string, string) { return "X-Hub-Signature-256", "sha256=" + hex.EncodeToString(sum) },
	"bitbucket": func(sum []byte) (string, string) { return "X-Hub-Signature", "sha256=" + hex.EncodeToString(sum) },
	"dropbox":   func(sum []byte) (string, string) { return "X-Dropbox-Signature", hex.EncodeToString(sum) },
	"gitea":     func(sum []byte) (string, string) { return "X-Gitea-Signature", hex.EncodeToString(sum) },
	"hmac":      func(sum []byte) (string, string) { return "X-Signature", hex.EncodeToString(sum) },
	"shopify": func(sum []byte) (string, string) {
		return "X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(sum)
	},
	"wpwebhooks": func(sum []byte) (string, string) {
		return "X-WP-Webhook-Signature", base64.StdEncoding.EncodeToString(sum)
	},
}

// tenKB is what a webhook of some size looks like.
func tenKB() []byte {
	return []byte(`{"action":"opened","items":[` + strings.Repeat(`{"name":"a thing","n":12345},`, 350) + `{}]}`)
}

func plainRequest(row string, body []byte) receivers.Request {
	mac := hmac.New(sha256.New, []byte(costSecret))
	mac.Write(body)
	name, signature := plainRows[row](mac.Sum(nil))
	h := http.Header{"Content-Type": {"application/json"}, "X-Github-Event": {"issues"}, "X-Github-Delivery": {"1"}}
	h.Set(name, signature)
	return receivers.Request{Method: http.MethodPost, URL: "https://hooks.example.com/in", Header: h, Body: body}
}

func costReceiver(t testing.TB, row string) *receivers.Receiver {
	t.Helper()
	r, err := receivers.New(receivers.Named(row), receivers.Secrets(costSecret))
	require.NoError(t, err)
	return r
}

func TestPlainRowsAllocateLittle(t *testing.T) { //nolint:paralleltest // testing.AllocsPerRun counts those of others
	for row := range plainRows {
		receiver, req := costReceiver(t, row), plainRequest(row, tenKB())
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := receiver.Verify(t.Context(), req); err != nil {
				panic(err)
			}
		})
		require.True(t, allocs <= 11, "%s: %v allocations", row, allocs) // at most 10 with Go 1.26, whose compiler keeps more on the stack
	}
}

func BenchmarkVerify(b *testing.B) {
	for row := range plainRows {
		b.Run(row, func(b *testing.B) {
			receiver, req := costReceiver(b, row), plainRequest(row, tenKB())
			b.ReportAllocs()
			b.SetBytes(int64(len(req.Body)))
			for b.Loop() {
				if _, err := receiver.Verify(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// hostile are bodies that cost a careless reader much, each with a row that
// reads it, and how much memory that may take beside it.
var hostile = map[string]struct {
	row   receivers.Provider
	kind  string
	body  func() []byte
	bytes uint64
}{
	"a million leaves under ten wildcards": {pathOf("json.*.*.*.*.*.*.*.*.*.*"), "application/json", leaves, 1 << 20},
	"a million open brackets": {
		pathOf("json.*.*.*.*.*.*.*.*.*.*"), "application/json", func() []byte { return bytes.Repeat([]byte("["), 1<<20) }, 1 << 20,
	},
	"a name that comes a hundred thousand times": {
		pathOf("json.a.a.a.a.a.a.a.a.a.a"), "application/json", func() []byte { return []byte("{" + strings.Repeat(`"a":{},`, 1e5) + `"a":1}`) }, 1 << 20,
	},
	"a string of quotes": {
		pathOf("json.a.b"), "application/json", func() []byte { return []byte(`{"a":"` + strings.Repeat(`\"`, 1<<19) + `"}`) }, 1 << 20,
	},
	"a million fields": {
		pathOf("form.a"), "application/x-www-form-urlencoded", func() []byte { return bytes.Repeat([]byte("a&"), 1e6) }, 4 << 20,
	},
	"a field of a million bytes": {
		pathOf("form.a"), "application/x-www-form-urlencoded", func() []byte { return []byte("a=" + strings.Repeat("%41", 1<<18)) }, 4 << 20,
	},
	"entities of entities": {pathOf("xml.a"), "text/xml", laughs, 1 << 20},
	"a million bytes of elements": {
		pathOf("xml.a"), "text/xml", func() []byte { return []byte("<r>" + strings.Repeat("<a/>", 1<<18) + "</r>") }, 32 << 20,
	},
	"elements in elements": {pathOf("xml.a"), "text/xml", func() []byte { return bytes.Repeat([]byte("<a>"), 1<<18) }, 1 << 20},
	"text in a hundred thousand pieces": {
		pathOf("xml.a"), "text/xml", func() []byte { return []byte("<r><a>" + strings.Repeat("x<!---->", 1e5) + "</a></r>") }, 32 << 20,
	},
	"an element of two hundred thousand attributes": {
		pathOf("xml.a"), "text/xml", func() []byte { return []byte("<r " + strings.Repeat("a='' ", 2e5) + "/>") }, 1 << 20,
	},
}

// pathOf is the row hmac, which reads the path for the event.
func pathOf(event receivers.Source) receivers.Provider {
	p := receivers.Named("hmac")
	p.Event = event
	return p
}

// leaves is four to the tenth empty strings, ten arrays deep, or as many of
// them as a megabyte holds.
func leaves() []byte {
	text := `""`
	for range 9 {
		text = "[" + text + "," + text + "," + text + "," + text + "]"
	}
	return []byte("[" + text + "]")
}

func laughs() []byte {
	text := `<!DOCTYPE r [<!ENTITY l0 "ha">`
	for i := range 9 {
		n := string(rune('0' + i))
		text += `<!ENTITY l` + string(rune('1'+i)) + ` "` + strings.Repeat("&l"+n+";", 10) + `">`
	}
	return []byte(text + `]><r><a>&l9;</a></r>`)
}

func hostileRequest(kind string, body []byte) receivers.Request {
	req := plainRequest("hmac", body)
	req.Header.Set("Content-Type", kind)
	return req
}

func TestHostileBodiesCostLittle(t *testing.T) { //nolint:paralleltest // it counts all memory that is taken
	for name, tc := range hostile {
		receiver, err := receivers.New(tc.row, receivers.Secrets(costSecret))
		require.NoError(t, err)
		req := hostileRequest(tc.kind, tc.body())

		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		result, err := receiver.Verify(t.Context(), req)
		runtime.ReadMemStats(&after)
		require.NoError(t, err, name)
		require.True(t, after.TotalAlloc-before.TotalAlloc <= tc.bytes, name)
		require.True(t, len(result.Types) <= 1000, name)
		require.True(t, json.Valid(result.Event().Payload), name)
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, tc := range hostile {
		b.Run(name, func(b *testing.B) {
			receiver, err := receivers.New(tc.row, receivers.Secrets(costSecret))
			require.NoError(b, err)
			req := hostileRequest(tc.kind, tc.body())
			b.ReportAllocs()
			b.SetBytes(int64(len(req.Body)))
			for b.Loop() {
				_, _ = receiver.Verify(b.Context(), req)
			}
		})
	}
}
