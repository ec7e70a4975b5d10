package receivers_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// verified gives the event of a body that the row hmac reads by the path; the
// signature is right. It is empty where the body is no text.
func verified(t *testing.T, event receivers.Source, kind string, body []byte) receivers.Event {
	t.Helper()
	receiver, err := receivers.New(pathOf(event), receivers.Secrets(costSecret))
	require.NoError(t, err)
	result, err := receiver.Verify(t.Context(), hostileRequest(kind, body))
	if err != nil {
		require.ErrorIs(t, err, receivers.ErrNotText)
		return receivers.Event{}
	}
	got := result.Event()
	require.True(t, json.Valid(got.Payload), string(got.Payload))
	return got
}

// FuzzJSONPath compares what is found at a path with what encoding/json has
// there, where the body is JSON, and expects no more than an end where it is
// not.
func FuzzJSONPath(f *testing.F) {
	f.Add([]byte(`{"a":{"b":"c"}}`), "a", "b")
	f.Add([]byte(`{"a":{"b":1.5e3},"\u0061":{"b":true}}`), "a", "b")
	f.Add([]byte(`{"a":[{"b":"\"]}"}]}`), "a", "*")
	f.Add([]byte(` {"a" : { "b":"x" , "b" : "\ud83d\ude00" } } `), "a", "b")
	f.Add([]byte(`{"a":{"b":"x"`), "a", "b")
	f.Add([]byte(`[{"]"`), "*", "]")

	f.Fuzz(func(t *testing.T, body []byte, first, second string) {
		if strings.ContainsAny(first+second, ".|@{}") || first == "" || second == "" {
			return
		}
		got := verified(t, receivers.Source("json."+first+"."+second), "application/json", body)
		var document map[string]map[string]any
		if got.Provider == "" || first == "*" || second == "*" || json.Unmarshal(body, &document) != nil {
			return
		}
		want, ok := document[first][second].(string)
		if ok && want != "" && len(want) <= 1<<10 && !strings.Contains(want, "\uFFFD") {
			require.Equal(t, []string{want}, got.Types)
		}
	})
}

// FuzzBodies expects an end, a payload that is JSON in UTF-8, and of what is
// refused no more than a status that the provider understands. Text that needs
// no decoding comes out as it went in.
func FuzzBodies(f *testing.F) {
	f.Add("", "application/json", []byte(`{"type":"a"}`))
	f.Add("gzip", "application/json", []byte(packed(f, "gzip", `{"type":"a"}`)))
	f.Add("deflate", "", []byte(packed(f, "zlib", `{"type":"a"}`)))
	f.Add("deflate, gzip", "text/plain", []byte(packed(f, "gzip", packed(f, "flate", "text"))))
	f.Add("br", "", []byte("{}"))
	f.Add("", "application/json; charset=iso-8859-1", []byte("{\"a\":\"\xed\"}"))
	f.Add("", "text/plain; charset=utf-16", []byte("\x00{\xd8=\xde\x00"))
	f.Add("", "", []byte("\xff\xfe{\x00}\x00"))
	f.Add("", "", []byte("\xef\xbb\xbf{}"))
	f.Add("", "text/xml", []byte(`<?xml version="1.0" encoding="windows-1252"?><r/>`))
	f.Add("", "application/x-www-form-urlencoded; charset=latin1", []byte("a=%ED&_charset_=utf-8"))
	f.Add("", "application/x-www-form-urlencoded", []byte(`{"a":"1+1"}`))
	f.Add("", "multipart/form-data; boundary=b", []byte(parts+part("Content-Disposition: form-data; name=f; filename*=utf-8''%C3%A9", "\xff")+"--b--\r\n"))

	f.Fuzz(func(t *testing.T, coding, kind string, body []byte) {
		req := sent(string(body), "Content-Encoding", coding, "Content-Type", kind)
		result, err := verify(t, typed(), receivers.Secrets(costSecret), req)
		if err != nil {
			require.Contains(t, []int{http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge}, receivers.Status(err))
			return
		}
		payload := result.Event().Payload
		require.True(t, json.Valid(payload) && utf8.Valid(payload))
		if coding == "" && kind == "" && !strings.HasPrefix(string(body), "<?xml") && len(body) > 3 && body[0] < 0x80 && !json.Valid(body) {
			var text string
			require.NoError(t, json.Unmarshal(payload, &text))
			require.Equal(t, string(body), text)
		}
	})
}

// FuzzForm compares a field with what net/url reads.
func FuzzForm(f *testing.F) {
	f.Add("a=1&b=2", "a")
	f.Add("a=%zz", "a")
	f.Add("a=1;b=2&a=3", "a")
	f.Add("data%5Blist%5D=x&&&=", "data[list]")

	f.Fuzz(func(t *testing.T, body, name string) {
		if strings.Contains(name, "|") || name == "" {
			return
		}
		want, err := url.ParseQuery(body)
		receiver, _ := receivers.New(pathOf(receivers.Source("form."+name)), receivers.Secrets(costSecret))
		result, refused := receiver.Verify(t.Context(), hostileRequest("application/x-www-form-urlencoded", []byte(body)))
		if refused != nil || err != nil || len(want["_charset_"]) > 0 || strings.HasPrefix(body, "\xef\xbb\xbf") {
			return
		}
		if want.Get(name) != "" && len(want.Get(name)) <= 1<<10 && strings.Count(body, "&") < 1000 {
			require.Equal(t, want.Get(name), result.Event().Type)
		}
	})
}

// FuzzXML expects an end, and that what has to be hidden is, wherever it stands.
func FuzzXML(f *testing.F) {
	f.Add("<r><a>x</a></r>", "secret")
	f.Add(`<r xmlns:p="u"><p:a p:type="q:T">x<!-- c --></p:a></r>`, "<a>secret</a>")
	f.Add("<!DOCTYPE r><r/>", "s")
	f.Add("<r><a/><a><a></a></a></r>", "s")

	f.Fuzz(func(t *testing.T, body, hidden string) {
		p := pathOf("xml.a|xml.a.a@type")
		p.Redact = []receivers.Source{"xml.hide", "xml.a.hide"}
		receiver, err := receivers.New(p, receivers.Secrets(costSecret))
		require.NoError(t, err)
		whole := strings.Replace(body, "</r>", "<hide>"+hidden+"</hide></r>", 1)
		result, err := receiver.Verify(t.Context(), hostileRequest("text/xml", []byte(whole)))
		if err != nil {
			require.ErrorIs(t, err, receivers.ErrNotText)
			return
		}
		event := result.Event()
		require.True(t, json.Valid(event.Payload), string(event.Payload))
		if len(event.Types) > 0 && len(hidden) > 8 && !strings.Contains(body, hidden) && !strings.Contains(body, "hide") {
			require.NotContains(t, string(event.Body), hidden)
		}
	})
}

// FuzzHeaders throws anything at rows that read much of the headers. Nobody
// guesses a signature.
func FuzzHeaders(f *testing.F) {
	f.Add("v1=00,t=1700000000", "1700000000", "Bearer x", []byte(`{}`))
	f.Add("t=,v1=", "-1", "Basic =", []byte(`payload=%7B%7D`))
	f.Add(strings.Repeat("v1,x ", 100), "99999999999999999999", "", []byte(nil))

	var all []*receivers.Receiver
	for _, name := range receivers.Names() {
		p := receivers.Named(name)
		p.Challenges = nil
		receiver, err := receivers.New(p, receivers.Secrets(secretFor(name)),
			receivers.WithCertificates(receivers.NewCertificates(vectorFile{}, nil)))
		require.NoError(f, err)
		all = append(all, receiver)
	}
	f.Fuzz(func(t *testing.T, signature, at, token string, body []byte) {
		req := receivers.Request{Method: http.MethodPost, URL: "https://hooks.example.com/?code=" + token, Header: http.Header{}, Body: body}
		for _, header := range []string{
			"Stripe-Signature", "X-Slack-Signature", "Webhook-Signature", "Svix-Signature", "X-Hub-Signature", "X-Trello-Webhook",
			"X-Hub-Signature-256", "Paypal-Transmission-Sig", "X-Twilio-Signature", "X-Pusher-Signature", "X-Zendesk-Webhook-Signature",
		} {
			req.Header.Set(header, signature)
		}
		for _, header := range []string{"X-Slack-Request-Timestamp", "Webhook-Timestamp", "Svix-Timestamp", "Webhook-Id", "Paypal-Cert-Url"} {
			req.Header.Set(header, at)
		}
		req.Header.Set("Authorization", token)
		for _, receiver := range all {
			_, err := receiver.Verify(t.Context(), req)
			require.Error(t, err)
		}
	})
}

// secretFor is of the kind that the row takes, and nobody's.
func secretFor(name string) string {
	switch name {
	case "standard", "svix":
		return "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	case "salesforce":
		return "00Dxx0000000001"
	case "discord":
		return "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
	case "adyen":
		return "0102030405060708"
	case "sendgrid":
		return "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="
	case "basic":
		return "nobody:would guess this one"
	}
	return "nobody would guess this one"
}
