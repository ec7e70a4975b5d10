package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/posthaste/posthaste/webhook"
)

// A receiver that has verified GitHub's webhooks so far verifies ours alike.
func ExampleWithProfile_gitHub() {
	secret, err := webhook.GitHub.ParseSecret("It's a Secret to Everybody")
	if err != nil {
		panic(err)
	}
	verifier, err := webhook.NewVerifier([]webhook.Secret{secret}, webhook.WithProfile(webhook.GitHub))
	if err != nil {
		panic(err)
	}

	r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader("Hello, World!"))
	r.Header.Set("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	msg, err := verifier.VerifyRequest(r)
	fmt.Printf("%s %v\n", msg.Body, err)

	// Output:
	// Hello, World! <nil>
}

// The whole text of the secret is the key, as at Stripe, and what is older
// than five minutes is refused.
func ExampleWithProfile_stripe() {
	secret := webhook.Stripe.NewSecret() // whsec_…
	verifier, err := webhook.NewVerifier([]webhook.Secret{secret}, webhook.WithProfile(webhook.Stripe))
	if err != nil {
		panic(err)
	}

	for _, sent := range []time.Duration{0, time.Hour} {
		r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader("{}"))
		if err := webhook.Stripe.SetHeaders(r.Header, "evt_1", time.Now().Add(-sent), []byte("{}"), secret); err != nil {
			panic(err)
		}
		msg, err := verifier.VerifyRequest(r)
		fmt.Printf("%q %v\n", msg.ID, err)
	}

	// Output:
	// "evt_1" <nil>
	// "" webhook: timestamp too old: more than 5m0s ago
}

// The sender keeps the private key; receivers get the public one.
func ExampleNewPublicKeyVerifier() {
	private := webhook.StandardEd25519.NewSecret() // whsk_…
	public, err := private.PublicKey()             // whpk_…
	if err != nil {
		panic(err)
	}
	verifier, err := webhook.NewPublicKeyVerifier([]webhook.PublicKey{public})
	if err != nil {
		panic(err)
	}

	h := http.Header{}
	if err := webhook.StandardEd25519.SetHeaders(h, "evt_1", time.Now(), []byte("{}"), private); err != nil {
		panic(err)
	}
	msg, err := verifier.Verify(h, []byte("{}"))
	fmt.Println(msg.ID, err)
	fmt.Println(private)

	// Output:
	// evt_1 <nil>
	// whsk_[redacted]
}
