package receivers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

const session = "00Dxx!AQ0AQHsession"

// soap is an outbound message with two notifications and a session.
const soap = `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00Dxx0000000001EAA</OrganizationId>
<ActionId>04k</ActionId><SessionId>` + session + `<!-- x --></SessionId><EnterpriseUrl xsi:nil="true"/>
<Notification><Id>04l1</Id><sObject xsi:type="sf:Contact" xmlns:sf="urn:s"><sf:Name>A &amp; B</sf:Name></sObject></Notification>
<Notification><Id>04l2</Id><sObject xsi:type="sf:Contact" xmlns:sf="urn:s"><sf:Name>C</sf:Name></sObject></Notification>
</notifications></e:Body></e:Envelope>`

func TestSalesforceEvent(t *testing.T) {
	t.Parallel()

	result, err := verify(t, receivers.Named("salesforce"), receivers.Secrets("00Dxx0000000001"), post(soap, "Content-Type", "text/xml"))
	require.NoError(t, err)
	event := result.Event()
	require.Equal(t, "04k", event.Type)
	require.Equal(t, "Contact", event.Object)
	require.Equal(t, []string{"04l1", "04l2"}, event.IDs)
	require.Len(t, event.ID, 64, "one for both")
	require.JSONEq(t, `{"Body":{"notifications":{"OrganizationId":"00Dxx0000000001EAA","ActionId":"04k","SessionId":"","EnterpriseUrl":null,
		"Notification":[{"Id":"04l1","sObject":{"@type":"Contact","Name":"A & B"}},{"Id":"04l2","sObject":{"@type":"Contact","Name":"C"}}]}}}`,
		string(event.Payload))
	require.NotContains(t, string(event.Body), session)
	require.Contains(t, string(event.Body), "<SessionId></SessionId>")
	require.NotContains(t, fmt.Sprintf("%+v", result.Event()), session, "the second time as well")
}

// Whatever proves where a request comes from would let its reader forge one.
func TestCredentialsAreNotHandedOn(t *testing.T) {
	t.Parallel()

	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	cases := map[string]receivers.Request{
		"gitlab":    post("{}", "X-Gitlab-Token", costSecret),
		"bearer":    post("{}", "Authorization", "Bearer "+costSecret),
		"apikey":    post("{}", "X-API-Key", costSecret, "Cookie", costSecret, "Proxy-Authorization", costSecret),
		"mailchimp": post("type=subscribe", form...),
		"wordpress": post("hook=publish_post", form...),
	}
	for row, req := range cases {
		req.URL += "?a=%2F&code=" + "a+secret+of+a+plain+kind" + "&b"
		req.Header.Set("X-Kept", "kept")
		sent := req.Header.Clone()
		result, err := verify(t, receivers.Named(row), receivers.Secrets(costSecret), req)
		require.NoError(t, err, row)
		event := result.Event()
		require.NotContains(t, fmt.Sprintf("%+v", event), costSecret, row)
		require.Equal(t, "kept", event.Header.Get("X-Kept"))
		require.Equal(t, sent, req.Header, "the request keeps its headers")
		if row == "mailchimp" || row == "wordpress" {
			require.Equal(t, "https://hooks.example.com/in?a=%2F&code=[redacted]&b", event.URL)
		}
	}
	req := post("type=x", form...)
	req.URL += "?%63ode=" + "a%20secret%20of%20a%20plain%20kind"
	result, err := verify(t, receivers.Named("mailchimp"), receivers.Secrets(costSecret), req)
	require.NoError(t, err)
	require.Equal(t, "https://hooks.example.com/in?%63ode=[redacted]", result.Event().URL)
}

func TestPayloads(t *testing.T) {
	t.Parallel()

	cases := map[string]struct{ kind, body, want string }{
		"JSON as it came":           {"application/json", `{"b": 1.0,  "a":1}`, `{"b": 1.0,  "a":1}`},
		"JSON whatever it is said":  {"text/plain", `[1]`, `[1]`},
		"a form":                    {"application/x-www-form-urlencoded", "b=2&a=1&b=3&c", `{"a":"1","b":["2","3"],"c":""}`},
		"a form around JSON":        {"application/x-www-form-urlencoded", "payload=%7B%22a%22%3A1%7D", `{"a":1}`},
		"a form around no JSON":     {"application/x-www-form-urlencoded", "payload=%7B", `{"payload":"{"}`},
		"a form that is none":       {"application/x-www-form-urlencoded", "a=%zz", `"a=%zz"`},
		"nothing":                   {"", "", "null"},
		"text":                      {"text/plain", "hello\n", `"hello\n"`},
		"XML that nobody asked for": {"text/xml", "<a/>", `"\u003ca/\u003e"`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := plainRequest("github", []byte(tc.body))
			req.Header.Set("Content-Type", tc.kind)
			result, err := verify(t, receivers.Named("github"), receivers.Secrets(costSecret), req)
			require.NoError(t, err)
			require.Equal(t, tc.want, string(result.Event().Payload))
			require.Equal(t, tc.body, string(result.Event().Body))
		})
	}
}

func TestIDsByTheBody(t *testing.T) {
	t.Parallel()

	req := post("type=subscribe&fired_at=2026-11-22", "Content-Type", "application/x-www-form-urlencoded")
	req.URL += "?code=x"
	first, err := verify(t, receivers.Named("mailchimp"), receivers.Secrets("x"), req)
	require.NoError(t, err)
	require.Len(t, first.Event().ID, 64)
	req.Body = append(req.Body, '3')
	second, err := verify(t, receivers.Named("mailchimp"), receivers.Secrets("x"), req)
	require.NoError(t, err)
	require.NotEqual(t, first.Event().ID, second.Event().ID)
}

func TestFormsHaveFewFields(t *testing.T) {
	t.Parallel()

	for fields, want := range map[int]string{1000: "subscribe", 1001: ""} {
		body := strings.Repeat("a=1&", fields-1) + "type=subscribe"
		req := post(body, "Content-Type", "application/x-www-form-urlencoded")
		req.URL += "?code=x"
		result, err := verify(t, receivers.Named("mailchimp"), receivers.Secrets("x"), req)
		require.NoError(t, err)
		require.Equal(t, want, result.Event().Type)
		require.False(t, result.Challenge)
	}
}

// Headers are not signed, and end in databases.
func TestTypesAndIDsAreShort(t *testing.T) {
	t.Parallel()

	req := plainRequest("github", []byte("{}"))
	req.Header.Set("X-GitHub-Event", strings.Repeat("x", 1024))
	req.Header.Set("X-GitHub-Delivery", strings.Repeat("x", 1025))
	result, err := verify(t, receivers.Named("github"), receivers.Secrets(costSecret), req)
	require.NoError(t, err)
	require.Len(t, result.Event().Type, 1024)
	require.Len(t, result.Event().ID, 64)

	req.Header.Set("X-GitHub-Event", strings.Repeat("é", 600))
	first := result.Event().ID
	req.Header.Set("X-GitHub-Delivery", strings.Repeat("y", 1025))
	result, err = verify(t, receivers.Named("github"), receivers.Secrets(costSecret), req)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("é", 512), result.Event().Type)
	require.NotEqual(t, first, result.Event().ID, "a long id is still one of its own")
}
