package api_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

func TestReceiveAnswersAsTheProviderWants(t *testing.T) {
	t.Parallel()

	t.Run("Salesforce gets its acknowledgement", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{"provider":"salesforce","credentials":[{"secret":"00Dxx0000000001"}]}`)
		const body = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>` +
			`<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00Dxx0000000001</OrganizationId>` +
			`<ActionId>04k</ActionId><SessionId>live-credential</SessionId>` +
			`<Notification><Id>1</Id></Notification><Notification><Id>2</Id></Notification></notifications></e:Body></e:Envelope>`
		for range 2 {
			a := h.post(http.MethodPost, "/in/"+id, body, "Content-Type", "text/xml")
			require.Equal(t, http.StatusOK, a.status)
			require.Equal(t, receivers.Named("salesforce").Answer.Body, a.body)
			require.Equal(t, "text/xml; charset=utf-8", a.header.Get("Content-Type"))
		}
		require.Len(t, h.events(), 1)
		require.Equal(t, "salesforce.04k", h.events()[0].Type)
		require.NotContains(t, string(h.events()[0].Data), "live-credential")
	})

	t.Run("handshakes are answered and are no events", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		dropbox := h.source(`{"provider":"dropbox","credentials":[{"secret":"` + hush + `"}]}`)
		a := h.post(http.MethodGet, "/in/"+dropbox+"?challenge=%3Cb%3E", "")
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "<b>", a.body)
		require.Equal(t, "text/plain", a.header.Get("Content-Type"))
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))

		trello := h.source(`{"provider":"trello","public_url":"https://hooks.example","credentials":[{"secret":"` + hush + `"}]}`)
		h.post(http.MethodHead, "/in/"+trello, "").isEmpty()

		slack := h.source(`{"provider":"slack","credentials":[{"secret":"` + hush + `"}]}`)
		const body = `{"type":"url_verification","challenge":"abc"}`
		stamp := unix(time.Now())
		good := h.post(http.MethodPost, "/in/"+slack, body, "X-Slack-Request-Timestamp", stamp,
			"X-Slack-Signature", "v0="+sign(hush, "v0:"+stamp+":"+body))
		require.Equal(t, http.StatusOK, good.status)
		require.Equal(t, "abc", good.body)
		h.post(http.MethodPost, "/in/"+slack, body).isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
		h.requireNothingStored()
	})

	t.Run("the URL that is signed is the configured one", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		id := h.source(`{"provider":"hmac","public_url":"https://hooks.example/sub/","credentials":[{"secret":"` + hush + `"}],
			"settings":{"auth":[{"alg":"hmac-sha256","enc":"hex","sig":"header.X-Signature","signed":"{url}{body}"}]}}`)
		url := "https://hooks.example/sub/in/" + id + "?a=%2f"
		signature := []string{"X-Signature", sign(hush, url+"{}"), "X-Forwarded-Host", "evil.example"}
		h.post(http.MethodPost, "/in/"+id+"?a=%2f", "{}", signature...).isEmpty()
		h.post(http.MethodPost, "/in/"+id+"?a=/", "{}", signature...).isProblem(http.StatusUnauthorized, models.CodeUnauthorized, "")
	})
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
