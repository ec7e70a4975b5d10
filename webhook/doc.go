// Package webhook signs webhooks and verifies them, by Standard Webhooks 1.0
// (https://www.standardwebhooks.com, "Signature scheme" and "Webhook headers")
// or by another scheme that a receiver already knows; see [Profile].
//
// Receivers import it to check that a request comes from the holder of their
// secret; Posthaste itself signs with it. It needs the standard library only.
//
// # Receiving
//
//	secret, err := webhook.ParseSecret(os.Getenv("WEBHOOK_SECRET"))
//	verifier, err := webhook.NewVerifier([]webhook.Secret{secret})
//
//	http.Handle("/hook", verifier.Handler(func(ctx context.Context, msg webhook.Message) error {
//		event, err := webhook.ParseEvent(msg.Body)
//		if err != nil {
//			return err
//		}
//		// Handle event once per msg.ID: the same id means the same event.
//		return nil
//	}))
//
// Use [Verifier.VerifyRequest] in an HTTP handler of your own, and
// [Verifier.Verify] for a message that did not come through net/http.
//
// # What is signed
//
//	webhook-id         evt_01jd2m7x…              the same on every attempt
//	webhook-timestamp  1732233600                 Unix seconds of this attempt
//	webhook-signature  v1,46I5x0QjHMK2…= v1,…     one per live secret
//
//	signature = base64(HMAC-SHA256(secret, id + "." + timestamp + "." + body))
//
// # Profiles
//
// The above is [Standard], the default. Every profile sends the first two
// headers; the third header, and the bytes that it covers, differ:
//
//	standard          webhook-signature    v1,<base64>       id.time.body
//	standard-ed25519  webhook-signature    v1a,<base64>      id.time.body
//	github            X-Hub-Signature-256  sha256=<hex>      body
//	stripe            Stripe-Signature     t=<time>,v1=<hex> time.body
//	aspnet            ms-signature         sha256=<HEX>      body
//	servicestack      X-Hub-Signature      sha1=<hex>        body
//
// All use HMAC-SHA256, even the last, in spite of its label, except
// standard-ed25519: it uses Ed25519, which receivers verify with a public key:
//
//	key, err := webhook.ParsePublicKey(os.Getenv("WEBHOOK_PUBLIC_KEY")) // whpk_…
//	verifier, err := webhook.NewPublicKeyVerifier([]webhook.PublicKey{key})
//
// Prefer the standard profiles where you may choose: the others do not sign
// the id, and except for stripe they do not sign the time either, so that a
// recorded request can be replayed forever.
//
// # Rotation
//
// A sender signs with the new and the old secret for a while; a receiver may
// likewise hold several. A message is accepted if any secret matches any
// signature, so neither side has to switch at the same moment as the other.
// Where a header has room for one signature only, see [Profile.HoldsSeveral],
// the sender has to sign with the old secret until the receiver knows the new
// one.
//
// # What it promises
//
//   - A [Secret] is revealed by [Secret.Reveal] only, never by fmt, log/slog or
//     encoding/json, however deep it is buried in another value.
//   - Signatures are compared in constant time, and no secret, signature or
//     body is part of an error.
//   - The work for a hostile request is bounded: the bytes of the body, the
//     number of signatures, and the length of each.
//   - Nothing unsigned is accepted: no secrets, an empty secret or a request
//     without signatures are errors, and the freshness check cannot be
//     switched off.
//
// Signatures of another version are skipped, as the specification asks, so a
// sender may add newer signatures beside the version that a receiver knows.
package webhook
