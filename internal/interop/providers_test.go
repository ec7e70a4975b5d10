package interop

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	shopify "github.com/bold-commerce/go-shopify/v4"
	"github.com/google/go-github/v89/github"
	"github.com/pusher/pusher-http-go/v5"
	"github.com/slack-go/slack"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	stripe "github.com/stripe/stripe-go/v85/webhook"
	svix "github.com/svix/svix-webhooks/go"
	twilio "github.com/twilio/twilio-go/client"

	"github.com/posthaste/posthaste/webhook/receivers"
)

// callback is the URL that the providers were given.
const callback = "https://hooks.example.com/in?a=1&b=%2F"

// vendor is a provider as its own library knows it: how a webhook is signed,
// by the library where it can, and what the library says of one.
type vendor struct {
	row    string
	timed  bool // an old one is refused
	key    func(*rand.Rand) string
	body   func(*rand.Rand) []byte
	sign   func(secret string, at time.Time, body []byte, h http.Header) error
	verify func(secret string, r receivers.Request) error
}

var vendors = []vendor{
	{row: "github", key: text, body: document, sign: signGitHub, verify: verifyGitHub},
	{row: "stripe", timed: true, key: text, body: document, sign: signStripe, verify: verifyStripe},
	{row: "slack", timed: true, key: text, body: document, sign: signSlack, verify: verifySlack},
	{row: "pusher", key: text, body: document, sign: signPusher, verify: verifyPusher},
	{row: "standard", timed: true, key: whsec, body: document, sign: signStandard, verify: verifyStandard},
	{row: "svix", timed: true, key: whsec, body: document, sign: signSvix, verify: verifySvix},
	{row: "twilio", key: text, body: form, sign: signTwilio, verify: verifyTwilio},
	{row: "shopify", key: text, body: document, sign: signShopify, verify: verifyShopify},
}

func mac(digest func() hash.Hash, secret string, parts ...string) []byte {
	m := hmac.New(digest, []byte(secret))
	for _, part := range parts {
		_, _ = m.Write([]byte(part))
	}
	return m.Sum(nil)
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// request is ours as net/http has it.
func request(r receivers.Request) *http.Request {
	made, _ := http.NewRequest(r.Method, r.URL, bytes.NewReader(r.Body))
	made.Header = r.Header
	return made
}

func signGitHub(secret string, _ time.Time, body []byte, h http.Header) error {
	h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac(sha256.New, secret, string(body))))
	return nil
}

func verifyGitHub(secret string, r receivers.Request) error {
	_, err := github.ValidatePayload(request(r), []byte(secret))
	return err
}

func signStripe(secret string, at time.Time, body []byte, h http.Header) error {
	signed := stripe.GenerateTestSignedPayload(&stripe.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at})
	h.Set("Stripe-Signature", signed.Header)
	return nil
}

func verifyStripe(secret string, r receivers.Request) error {
	return stripe.ValidatePayload(r.Body, r.Header.Get("Stripe-Signature"), secret)
}

func signSlack(secret string, at time.Time, body []byte, h http.Header) error {
	h.Set("X-Slack-Request-Timestamp", unix(at))
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac(sha256.New, secret, "v0:", unix(at), ":", string(body))))
	return nil
}

func verifySlack(secret string, r receivers.Request) error {
	verifier, err := slack.NewSecretsVerifier(r.Header, secret)
	if err != nil {
		return err
	}
	if _, err := verifier.Write(r.Body); err != nil {
		return err
	}
	return verifier.Ensure()
}

const pusherKey = "the application's key"

func signPusher(secret string, _ time.Time, body []byte, h http.Header) error {
	h.Set("X-Pusher-Key", pusherKey)
	h.Set("X-Pusher-Signature", hex.EncodeToString(mac(sha256.New, secret, string(body))))
	return nil
}

func verifyPusher(secret string, r receivers.Request) error {
	client := pusher.Client{Key: pusherKey, Secret: secret}
	_, err := client.Webhook(r.Header, r.Body)
	return err
}

func signStandard(secret string, at time.Time, body []byte, h http.Header) error {
	hook, err := official.NewWebhook(secret)
	if err != nil {
		return err
	}
	signature, err := hook.Sign("msg_1", at, body)
	h.Set("Webhook-Id", "msg_1")
	h.Set("Webhook-Timestamp", unix(at))
	h.Set("Webhook-Signature", signature)
	return err
}

func verifyStandard(secret string, r receivers.Request) error {
	hook, err := official.NewWebhook(secret)
	if err != nil {
		return err
	}
	return hook.Verify(r.Body, r.Header)
}

func signSvix(secret string, at time.Time, body []byte, h http.Header) error {
	hook, err := svix.NewWebhook(secret)
	if err != nil {
		return err
	}
	signature, err := hook.Sign("msg_1", at, body)
	h.Set("Svix-Id", "msg_1")
	h.Set("Svix-Timestamp", unix(at))
	h.Set("Svix-Signature", signature)
	return err
}

func verifySvix(secret string, r receivers.Request) error {
	hook, err := svix.NewWebhook(secret)
	if err != nil {
		return err
	}
	return hook.Verify(r.Body, r.Header)
}

func signTwilio(secret string, _ time.Time, body []byte, h http.Header) error {
	fields, err := sorted(body)
	h.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac(sha1.New, secret, callback, fields)))
	return err
}

func verifyTwilio(secret string, r receivers.Request) error {
	validator := twilio.NewRequestValidator(secret)
	if !validator.ValidateBody(r.URL, r.Body, r.Header.Get("X-Twilio-Signature")) {
		return errForged
	}
	return nil
}

func signShopify(secret string, _ time.Time, body []byte, h http.Header) error {
	h.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac(sha256.New, secret, string(body))))
	return nil
}

func verifyShopify(secret string, r receivers.Request) error {
	ok, err := shopify.App{ApiSecret: secret}.VerifyWebhookRequestVerbose(request(r))
	if err == nil && !ok {
		err = errors.New("not ours")
	}
	return err
}

// text is a secret of 1 to 40 printable characters.
func text(rng *rand.Rand) string {
	letters := make([]byte, 1+rng.IntN(40))
	for i := range letters {
		letters[i] = byte('!' + rng.IntN('~'-'!'))
	}
	letters[0] = 'a' + letters[0]%26 // a secret between quotation marks is refused: the marks were pasted along
	return string(letters)
}

// whsec is a secret of 24 to 64 bytes.
func whsec(rng *rand.Rand) string {
	bits := make([]byte, 24+rng.IntN(41))
	for i := range bits {
		bits[i] = byte(rng.Uint32())
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(bits)
}

// document is JSON of up to some kilobytes.
func document(rng *rand.Rand) []byte {
	long := strings.Repeat(text(rng)+" ", 1+rng.IntN(100))
	quoted, _ := json.Marshal(long) // strings always can
	return fmt.Appendf(nil, `{"id":"evt_%d","type":"order.paid","text":%s}`, rng.Uint64(), quoted)
}
