package receivers_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func sum(digest func() hash.Hash, secret, message string) []byte {
	mac := hmac.New(digest, []byte(secret))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// post is a request at noon.
func post(body string, headers ...string) receivers.Request {
	r := receivers.Request{Method: http.MethodPost, URL: "https://hooks.example.com/in", Header: http.Header{}, Body: []byte(body), Now: noon}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func verify(t *testing.T, p receivers.Provider, credentials []receivers.Credential, req receivers.Request) (receivers.Result, error) {
	t.Helper()
	receiver, err := receivers.New(p, credentials)
	require.NoError(t, err)
	return receiver.Verify(t.Context(), req)
}

func TestWindowsHaveTwoSides(t *testing.T) {
	t.Parallel()

	signed := func(row string, at time.Time) receivers.Request {
		seconds := strconv.FormatInt(at.Unix(), 10)
		switch row {
		case "stripe":
			return post("{}", "Stripe-Signature", "t="+seconds+",v1="+hex.EncodeToString(sum(sha256.New, costSecret, seconds+".{}")))
		case "slack":
			return post("{}", "X-Slack-Request-Timestamp", seconds,
				"X-Slack-Signature", "v0="+hex.EncodeToString(sum(sha256.New, costSecret, "v0:"+seconds+":{}")))
		}
		text := at.Format(time.RFC3339)
		return post("{}", "X-Zendesk-Webhook-Signature-Timestamp", text,
			"X-Zendesk-Webhook-Signature", base64.StdEncoding.EncodeToString(sum(sha256.New, costSecret, text+"{}")))
	}
	cases := map[time.Duration]error{
		0: nil, 5 * time.Minute: nil, -5 * time.Minute: nil,
		5*time.Minute + time.Second: receivers.ErrTooOld, -5*time.Minute - time.Second: receivers.ErrTooNew,
	}
	for _, row := range []string{"stripe", "slack", "zendesk"} {
		for age, want := range cases {
			_, err := verify(t, receivers.Named(row), receivers.Secrets(costSecret), signed(row, noon.Add(-age)))
			require.ErrorIs(t, err, want, "%s %v", row, age)
		}
		wider := receivers.Named(row)
		wider.Auth[0].Tolerance = "10m"
		_, err := verify(t, wider, receivers.Secrets(costSecret), signed(row, noon.Add(-10*time.Minute)))
		require.NoError(t, err)
	}
}

func TestTimesHaveToBeTimes(t *testing.T) {
	t.Parallel()

	for _, text := range []string{"soon", "", "1.5", "9999999999999", "2026-11-22T12:00:00Z", "99999999999999999999"} {
		req := post("{}", "X-Slack-Request-Timestamp", text,
			"X-Slack-Signature", "v0="+hex.EncodeToString(sum(sha256.New, costSecret, "v0:"+text+":{}")))
		_, err := verify(t, receivers.Named("slack"), receivers.Secrets(costSecret), req)
		require.Error(t, err, text)
	}
}

// A second value leaves open which one was signed, or meant.
func TestTwoOfWhatThereIsOneOf(t *testing.T) {
	t.Parallel()

	seconds := strconv.FormatInt(noon.Unix(), 10)
	twice := map[string]receivers.Request{
		"stripe": post("{}", "Stripe-Signature", "t="+seconds+",t="+seconds+",v1="+hex.EncodeToString(sum(sha256.New, costSecret, seconds+".{}"))),
		"slack": post("{}", "X-Slack-Request-Timestamp", seconds, "X-Slack-Request-Timestamp", seconds,
			"X-Slack-Signature", "v0="+hex.EncodeToString(sum(sha256.New, costSecret, "v0:"+seconds+":{}"))),
		"bearer": post("{}", "Authorization", "Bearer "+costSecret, "Authorization", "Bearer x"),
		"gitlab": post("{}", "X-Gitlab-Token", costSecret, "X-Gitlab-Token", costSecret),
	}
	for row, req := range twice {
		_, err := verify(t, receivers.Named(row), receivers.Secrets(costSecret), req)
		require.ErrorIs(t, err, receivers.ErrMissing, row)
	}
}

func TestCredentialsRotate(t *testing.T) {
	t.Parallel()

	signed := post("{}", "X-Hub-Signature-256", "sha256="+hex.EncodeToString(sum(sha256.New, "the old one", "{}")))
	_, err := verify(t, receivers.Named("github"), receivers.Secrets("the new one", "the old one"), signed)
	require.NoError(t, err)
	_, err = verify(t, receivers.Named("github"), receivers.Secrets("the new one"), signed)
	require.ErrorIs(t, err, receivers.ErrNoMatch)
}

func TestKeyIDChoosesTheCredential(t *testing.T) {
	t.Parallel()

	credentials := []receivers.Credential{receivers.Keyed("a", "secret of a"), receivers.Keyed("b", "secret of b")}
	request := func(id, secret string) receivers.Request {
		return post("{}", "X-Pusher-Key", id, "X-Pusher-Signature", hex.EncodeToString(sum(sha256.New, secret, "{}")))
	}
	_, err := verify(t, receivers.Named("pusher"), credentials, request("b", "secret of b"))
	require.NoError(t, err)
	for _, req := range []receivers.Request{
		request("a", "secret of b"), request("c", "secret of b"), request("", "secret of b"),
		post("{}", "X-Pusher-Signature", hex.EncodeToString(sum(sha256.New, "secret of a", "{}"))),
	} {
		_, err := verify(t, receivers.Named("pusher"), credentials, req)
		require.ErrorIs(t, err, receivers.ErrNoMatch)
	}
	_, err = verify(t, receivers.Named("pusher"), receivers.Secrets("secret of a"), request("", "secret of a"))
	require.ErrorIs(t, err, receivers.ErrNoMatch, "a credential without an id is named by nothing")
}

// The prefix names an algorithm, and nobody listens to it.
func TestTheRequestDoesNotChooseTheAlgorithm(t *testing.T) {
	t.Parallel()

	weak := hex.EncodeToString(sum(sha1.New, costSecret, "{}"))
	for row, header := range map[string]string{"github": "X-Hub-Signature-256", "bitbucket": "X-Hub-Signature", "servicestack": "X-Hub-Signature"} {
		for _, prefix := range []string{"sha1=", "sha256=", ""} {
			_, err := verify(t, receivers.Named(row), receivers.Secrets(costSecret), post("{}", header, prefix+weak))
			require.Error(t, err, row+" "+prefix)
		}
	}
}

func TestSignaturesAreLookedAtUpToANumber(t *testing.T) {
	t.Parallel()

	seconds := strconv.FormatInt(noon.Unix(), 10)
	right := ",v1=" + hex.EncodeToString(sum(sha256.New, costSecret, seconds+".{}"))
	wrong := ",v1=" + strings.Repeat("00", 32)
	line := func(n int) receivers.Request {
		return post("{}", "Stripe-Signature", "t="+seconds+strings.Repeat(wrong, n)+right)
	}
	_, err := verify(t, receivers.Named("stripe"), receivers.Secrets(costSecret), line(31))
	require.NoError(t, err)
	_, err = verify(t, receivers.Named("stripe"), receivers.Secrets(costSecret), line(32))
	require.ErrorIs(t, err, receivers.ErrNoMatch)
}

func TestMethods(t *testing.T) {
	t.Parallel()

	for method, want := range map[string]error{http.MethodPost: nil, http.MethodGet: receivers.ErrMethod, http.MethodPut: receivers.ErrMethod, "": receivers.ErrMethod} {
		req := plainRequest("github", []byte("{}"))
		req.Method = method
		_, err := verify(t, receivers.Named("github"), receivers.Secrets(costSecret), req)
		require.ErrorIs(t, err, want, method)
	}
	at := noon.Format(time.RFC3339)
	req := post("", "X-Zendesk-Webhook-Signature-Timestamp", at,
		"X-Zendesk-Webhook-Signature", base64.StdEncoding.EncodeToString(sum(sha256.New, costSecret, at)))
	req.Method = http.MethodDelete
	_, err := verify(t, receivers.Named("zendesk"), receivers.Secrets(costSecret), req)
	require.NoError(t, err)
}

// Twilio's libraries sort the values of a field, and leave out equal ones.
func TestFormsAreSignedInOrder(t *testing.T) {
	t.Parallel()

	message := "https://hooks.example.com/in" + "A1A2B" + "Zz"
	req := post("Z=z&A=2&B=&A=1&A=2", "Content-Type", "application/x-www-form-urlencoded; charset=utf-8",
		"X-Twilio-Signature", base64.StdEncoding.EncodeToString(sum(sha1.New, costSecret, message)))
	result, err := verify(t, receivers.Named("twilio"), receivers.Secrets(costSecret), req)
	require.NoError(t, err)
	require.JSONEq(t, `{"A":["2","1","2"],"B":"","Z":"z"}`, string(result.Event().Payload))
}

func TestStatus(t *testing.T) {
	t.Parallel()

	want := map[error]int{
		nil: 200, receivers.ErrMethod: 405, receivers.ErrTooLarge: 413, receivers.ErrUnavailable: 503, receivers.ErrMissing: 401,
		receivers.ErrMalformed: 401, receivers.ErrBadTime: 401, receivers.ErrTooOld: 401, receivers.ErrTooNew: 401,
		receivers.ErrNoMatch: 401, receivers.ErrCertificate: 401,
	}
	for err, status := range want {
		require.Equal(t, status, receivers.Status(err))
	}
}

// What a repetition is recognised by should be signed; where the provider does
// not sign it, its page says so, and here is who that is.
func TestIDsAreSigned(t *testing.T) {
	t.Parallel()

	var unsigned []string
	for _, name := range receivers.Names() {
		if p := receivers.Named(name); p.ID != "" && !p.SignsID() {
			unsigned = append(unsigned, name)
		}
	}
	require.Equal(t, []string{
		"salesforce", "github", "gitlab", "bitbucket", "gitea", "mailchimp", "twilio", "zendesk", "woocommerce", "shopify", "adyen", "servicestack",
	}, unsigned)
	for source, signs := range map[receivers.Source]bool{
		"": false, "json.id": true, "sha256": true, "form.a": true, "header.X-Id": false, "json.id|header.X-Id": false, "query.id": false, "=x": true,
	} {
		p := receivers.Named("hmac")
		p.ID = source
		require.Equal(t, signs, p.SignsID(), string(source))
	}
	p := receivers.Named("twilio")
	p.ID = "sha256"
	require.False(t, p.SignsID(), "the same fields can be written in other bytes")
}

// A request of PayPal's is good for as long as PayPal sends it again.
func TestPayPalIsBounded(t *testing.T) {
	t.Parallel()

	v, receiver := paypal(t, fromFile(t))
	for age, want := range map[time.Duration]error{
		0: nil, 72 * time.Hour: nil, 95 * time.Hour: nil, 97 * time.Hour: receivers.ErrTooOld, -97 * time.Hour: receivers.ErrTooNew,
	} {
		req := v.request()
		req.Now = req.Now.Add(age)
		_, err := receiver.Verify(t.Context(), req)
		require.ErrorIs(t, err, want, age)
	}
}
