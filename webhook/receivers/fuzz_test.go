package receivers_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// verified gives the event of a body that the row hmac reads by the path; the
// signature is right.
func verified(t *testing.T, event receivers.Source, kind string, body []byte) receivers.Event {
	t.Helper()
	receiver, err := receivers.New(pathOf(event), receivers.Secrets(costSecret))
	require.NoError(t, err)
	result, err := receiver.Verify(t.Context(), hostileRequest(kind, body))
	require.NoError(t, err)
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
		if first == "*" || second == "*" || json.Unmarshal(body, &document) != nil {
			return
		}
		want, ok := document[first][second].(string)
		if ok && want != "" && len(want) <= 1<<10 {
			require.Equal(t, []string{want}, got.Types)
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
		got := verified(t, receivers.Source("form."+name), "application/x-www-form-urlencoded", []byte(body))
		want, err := url.ParseQuery(body)
		if err == nil && want.Get(name) != "" && len(want.Get(name)) <= 1<<10 && strings.Count(body, "&") < 1000 {
			require.Equal(t, want.Get(name), got.Type)
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
		require.NoError(t, err)
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
	}
	return "nobody would guess this one"
}
