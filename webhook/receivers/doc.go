// Package receivers takes the webhooks of GitHub, Stripe, Slack and others: it
// verifies that they come from the provider, answers the provider's
// challenges, and hands the events to your code in one shape. It needs the
// standard library only.
//
//	github := receivers.Named("github")
//	secret := receivers.Secrets(os.Getenv("GITHUB_WEBHOOK_SECRET"))
//	http.Handle("/in/github", receivers.Handler(github, secret,
//		func(ctx context.Context, e receivers.Event) error {
//			return store(ctx, e.ID, e.Type, e.Payload) // once for each e.ID
//		}))
//
// [Names] lists the providers; docs/providers has a page for each, with the
// steps in the provider's console and a way to try it with curl.
//
// # A provider is a row
//
// [Provider] is data: where the signature is, what it covers, with which
// algorithm and which kind of key, how fresh it has to be, and how the
// provider asks whether the endpoint is there. Each of these names values of
// the request by a [Source], a short string. You can write a row for a
// provider that the table lacks:
//
//	acme := receivers.Provider{
//		Name:  "acme",
//		Event: "json.kind",
//		ID:    "header.Acme-Delivery",
//		Auth: []receivers.Scheme{{
//			Alg: "hmac-sha256", Enc: "hex", Sig: "header.Acme-Signature",
//			Signed: "{header.Acme-Time}.{body}", Time: "header.Acme-Time",
//		}},
//	}
//
// [New] refuses a row that would verify nothing, or accept too much.
//
// # Order
//
//	challenge?  answered, after its signature where it has one
//	method      405
//	signature   over the bytes as received, before anything decodes them
//	text        decompressed, in UTF-8; or 415, 413
//	event       type, ids, payload; handed on
//	answer      exactly 200, with the text that the provider expects
//
// A server that stores first and handles later uses [Receiver.Verify] and
// [Result.Event] instead of [Receiver.Handler].
//
// # What it promises
//
//   - Algorithm and kind of key come from the row, never from the request.
//   - An empty credential fits nothing, and every row needs a credential.
//   - A credential that proves a handshake proves no webhook; a handshake that
//     anybody can send gets only tokens signed, nothing that could be a webhook.
//   - A secret that a handshake brings is accepted once, by a receiver without
//     credentials.
//   - A time is checked in both directions, and only where it is signed; a
//     public URL comes from configuration, never from the request's host.
//   - Credentials and signatures are compared in constant time.
//   - No credential prints, is part of an error, or is handed on: in an
//     [Event], the credentials of its request are redacted.
//   - Certificates are fetched from the hosts of the row only, without
//     redirects, a few at a time; a bounded number of valid ones is cached.
//   - Nothing that is answered 200 was lost on the way into [Event.Payload]:
//     the body is gzip or deflate or plain, and UTF-8, UTF-16, ASCII or
//     Windows-1252 (as which Latin-1 is read), as its marks and headers say,
//     or its provider gets 415 with the reason. Of a multipart form, files are
//     left out, but named.
//   - The work for a hostile request is bounded, in time and in memory.
package receivers
