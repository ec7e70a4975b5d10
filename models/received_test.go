package models_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestReceivedLeavesOutWhatIsNobodysBusiness(t *testing.T) {
	t.Parallel()

	const secret, source = "a secret of some length", "src_06h02ralpndko7npvmht2q1upa0m74nei2h0"
	header := http.Header{
		"X-Shopify-Shop-Domain": {"shop-a.example"}, "X-Shopify-Topic": {"orders/create"}, "X-Slack-Retry-Num": {"1"},
		"X-Github-Hook-Id": {"7"}, "Ce-Source": {"a", "b"}, "Content-Type": {"application/json"}, "User-Agent": {"GitHub-Hookshot/1"},
		"X-Assigned-To": {"Jo"}, "X-Empty": {""}, "X-Latin": {"Garc\xeda"}, "X-Utf": {"García"}, "X-Short": {"no"},
	}
	want := header.Clone()
	want.Set("X-Latin", "García")
	for name, value := range map[string]string{
		"X-Proof": "1", "Authorization": "Bearer 1", "Cookie": "a=b", "X-Api-Key": "1", "X-Hub-Signature": "sha1=1", "X-Zm-Hmac": "1",
		"X-Acme-Sig": "1", "X-Gitlab-Token": "1", "X-Other": "has " + secret + " in it", "X-Path": "/proxy/in/" + source, "X-Exact": "pw",
		"X-Hidden": "[redacted]", "Connection": "close, X-Hop", "X-Hop": "1", "Keep-Alive": "1", "Transfer-Encoding": "chunked", "Te": "1",
		"Content-Length": "2", "Content-Encoding": "gzip", "Accept": "*/*", "Accept-Encoding": "gzip", "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=1",
		"X-Real-Ip": "10.0.0.1", "True-Client-Ip": "10.0.0.1", "Cf-Ray": "1", "Via": "1.1 x", "Traceparent": "00-1", "X-B3-Traceid": "1",
		"X-Amzn-Trace-Id": "1", "X-Original-Uri": "/", "X-Http-Method-Override": "DELETE", "X-Remote-User": "root", "Referer": "https://a", "X-Bad": "a\nb",
	} {
		header[name] = []string{value}
	}
	r := models.NewReceived(models.Incoming{
		Method: http.MethodPut, Header: header, Proofs: []string{"X-Proof"}, Private: []string{secret, source, "[redacted]", "pw", ""},
		Query: "a=1&b=%2F&code=s&token=1&sig=2&%74oken=3&c=" + source + "&d=a+secret+of+some+length&e=%zz&f=[redacted]&g=\xff&&h",
	})
	require.Equal(t, want, r.Headers)
	require.Equal(t, "a=1&b=%2F&g=%FF&&h", r.Query)
	require.Equal(t, http.MethodPut, r.Method)
	require.False(t, r.Cut)
	stored, err := json.Marshal(r)
	require.NoError(t, err)
	var again models.Received
	require.NoError(t, json.Unmarshal(stored, &again))
	require.Equal(t, *r, again, "nothing is lost where it is stored")
}

func TestReceivedIsBounded(t *testing.T) {
	t.Parallel()

	many := http.Header{}
	for i := range 100 {
		many.Set(fmt.Sprintf("X-%03d", i), "v")
	}
	r := models.NewReceived(models.Incoming{Header: many})
	require.Len(t, r.Headers, models.MaxReceivedHeaders)
	require.Contains(t, r.Headers, "X-000")
	require.True(t, r.Cut)

	large := http.Header{"X-A": {strings.Repeat("a", 15<<10)}, "X-B": {strings.Repeat("b", 2<<10)}, "X-C": {"c"}}
	r = models.NewReceived(models.Incoming{Header: large})
	require.Len(t, r.Headers, 2)
	require.Contains(t, r.Headers, "X-C", "a long one does not push out what fits")
	require.True(t, r.Cut)
	require.LessOrEqual(t, r.Size(), models.MaxReceived)
	require.Equal(t, http.Header{"X-C": {"c"}}, r.Forward(nil), "receivers have room for 8 KiB of headers in all")

	r = models.NewReceived(models.Incoming{Query: strings.Repeat("q", models.MaxReceivedQuery+1)})
	require.Empty(t, r.Query)
	require.True(t, r.Cut)
	require.False(t, models.NewReceived(models.Incoming{Query: strings.Repeat("q", models.MaxReceivedQuery)}).Cut)
	require.Zero(t, (*models.Received)(nil).Size())
}

func TestForward(t *testing.T) {
	t.Parallel()

	r := &models.Received{Query: "a=1", Headers: http.Header{
		"X-Shopify-Shop-Domain": {"shop-a.example"}, "X-Shopify-Topic": {"orders/create"}, "X-Other": {"1", "2"},
		"Content-Type": {"text/xml"}, "Content-Language": {"de"}, "User-Agent": {"x"}, "X-Request-Id": {"1"}, "Webhook-Id": {"1"}, "X-Webhook-Event": {"1"},
		"X-Webhook-Query": {"forged"}, "X-Hub-Signature": {"1"}, "Stripe-Signature": {"1"}, "Host": {"1"}, "Authorization": {"1"}, "X-Forwarded-For": {"1"},
	}}
	all := http.Header{
		"X-Webhook-Query": {"a=1"}, "X-Shopify-Shop-Domain": {"shop-a.example"}, "X-Shopify-Topic": {"orders/create"}, "X-Other": {"1", "2"},
	}
	require.Equal(t, all, r.Forward(nil))
	require.Equal(t, all, r.Forward([]string{"*"}))
	require.Empty(t, r.Forward([]string{}))
	require.Equal(t, http.Header{"X-Shopify-Shop-Domain": {"shop-a.example"}, "X-Shopify-Topic": {"orders/create"}}, r.Forward([]string{"x-shopify-*"}))
	require.Equal(t, http.Header{"X-Other": {"1", "2"}, "X-Webhook-Query": {"a=1"}}, r.Forward([]string{"X-OTHER", "x-webhook-query"}))
	require.Empty(t, (*models.Received)(nil).Forward(nil))
}

func TestForwardHeadersAreValid(t *testing.T) {
	t.Parallel()

	sub := func(patterns ...string) error {
		s := models.NewSubscription(models.Subscription{URL: "https://a.example", EventTypes: []string{"*"}, ForwardHeaders: patterns}, time.Now())
		return s.Validate()
	}
	for _, good := range [][]string{nil, {}, {"*"}, {"X-Shopify-*", "Ce-Source", "X-Webhook-Query"}, {"A*"}} {
		require.NoError(t, sub(good...))
	}
	for _, bad := range []string{
		"", "**", "X-*-Id", "X Y", "X-Ä", "X:", strings.Repeat("x", 129), "Authorization", "Content-Type", "Webhook-Id", "X-Forwarded-For", "Stripe-Signature", "Cookie",
	} {
		require.ErrorContains(t, sub("X-A", bad), "forward_headers[1]", bad)
	}
	require.ErrorContains(t, sub(make([]string, 51)...), "at most 50")
}
