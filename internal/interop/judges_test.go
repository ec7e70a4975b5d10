package interop

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/google/go-github/v89/github"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	stripe "github.com/stripe/stripe-go/v85/webhook"

	"github.com/posthaste/posthaste/webhook"
)

var errForged = errors.New("the signature does not fit")

// judges verify a request with a secret, or for Ed25519 a public key, in its text form, by code that is not
// ours, or where there is none, by the rule in as few lines as it takes.
var judges = map[webhook.Profile]func(secret string) func(*http.Request) error{
	webhook.Standard:        byStandardWebhooks,
	webhook.StandardEd25519: byEd25519,
	webhook.GitHub:          byGoGitHub,
	webhook.Stripe:          byStripeGo,
	webhook.ASPNet:          byHex("ms-signature", "sha256=", strings.ToUpper),
	webhook.ServiceStack:    byHex("X-Hub-Signature", "sha1=", strings.ToLower),
}

// byStandardWebhooks asks the specification's own library.
func byStandardWebhooks(secret string) func(*http.Request) error {
	return withBody(func(h http.Header, body []byte) error {
		hook, err := official.NewWebhook(secret)
		if err != nil {
			return err
		}
		return hook.Verify(body, h)
	})
}

// byEd25519 does what the specification says about v1a, which its library for
// Go does not know.
func byEd25519(public string) func(*http.Request) error {
	return withBody(func(h http.Header, body []byte) error {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(public, "whpk_"))
		if err != nil {
			return err
		}
		message := h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + string(body)
		for entry := range strings.FieldsSeq(h.Get("webhook-signature")) {
			signature, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(entry, "v1a,"))
			if ed25519.Verify(key, []byte(message), signature) {
				return nil
			}
		}
		return errForged
	})
}

// byGoGitHub asks the library that receivers of GitHub's webhooks use. It
// would accept other digests too; that ours is SHA-256 the header's name says.
func byGoGitHub(secret string) func(*http.Request) error {
	return func(r *http.Request) error {
		r.Header.Del("X-Hub-Signature")
		_, err := github.ValidatePayload(r, []byte(secret))
		return err
	}
}

// byStripeGo asks Stripe's own library.
func byStripeGo(secret string) func(*http.Request) error {
	return withBody(func(h http.Header, body []byte) error {
		_, err := stripe.ConstructEvent(body, h.Get("Stripe-Signature"), secret)
		return err
	})
}

// byHex is the rule of ASP.NET WebHooks and of ServiceStack.Webhooks, whose
// receivers run on .NET: HMAC-SHA256 over the body in one header, of which
// they look at the first line.
func byHex(header, prefix string, letters func(string) string) func(string) func(*http.Request) error {
	return func(secret string) func(*http.Request) error {
		return withBody(func(h http.Header, body []byte) error {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(body)
			if h.Get(header) != prefix+letters(hex.EncodeToString(mac.Sum(nil))) {
				return errForged
			}
			return nil
		})
	}
}
