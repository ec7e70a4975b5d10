// Package client publishes events to Posthaste over its HTTP API.
//
// Any Go program may import it; it needs the standard library only.
//
//	c, err := client.New("https://posthaste.example.com", os.Getenv("POSTHASTE_API_KEY"))
//	published, err := c.Publish(ctx, client.Event{
//		Type: "order.paid",
//		Data: map[string]any{"id": 42},
//	})
//
// # What it promises
//
//   - When [Client.Publish] returns without an error the event is durable:
//     the server has committed it before answering.
//   - Within one call nothing is published twice, however often it is tried.
//     Each event carries an idempotency key, the caller's or one made here.
//   - A failure that may pass (no connection, a cut answer, 429, 500, 502,
//     503, 504) is tried again, with growing random pauses, not before the
//     server's Retry-After, and only as long as the context allows.
//   - An answer is read up to a bound, redirects are not followed, and the API
//     key is part of no error, log line or printed value.
//
// # When a call fails
//
// After [ErrUnavailable], [ErrAnswer] or an ended context nobody knows whether
// the event was accepted. Publishing it again is safe only with the same key,
// so a program that will do that (a job, a message handler) should set
// [Event.IdempotencyKey] to something that names the happening itself, such
// as "order-42-paid".
//
//	var problem *client.Error
//	switch {
//	case errors.Is(err, client.ErrUnavailable): // try again later, same key
//	case errors.As(err, &problem):              // problem.Status, .Code, .Field
//	}
package client
