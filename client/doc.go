// Package client publishes events to Posthaste over its HTTP API, and operates
// it: subscriptions, deliveries, recoveries, sources, the audit.
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
//     Each event carries an idempotency key, the caller's or a random one.
//   - A transient failure (no connection, a cut answer, 429, 500, 502, 503,
//     504) is retried, with growing random pauses, not before the server's
//     Retry-After, and only as long as the context allows.
//   - An answer is read up to a bound, redirects are not followed, and the API
//     key is part of no error, log line or printed value.
//
// # Calls of operators
//
// A lookup, and any other call that does no harm twice, is retried like a
// publication. A call whose effect would happen twice (to create, to redeliver,
// to recover, to rotate) is not retried once the server may have acted on it:
// after [ErrUnavailable] look first, then call again. Lists fetch one page
// after the other while the caller walks through them:
//
//	for d, err := range c.Deliveries(ctx, client.DeliveryFilter{Status: client.Exhausted}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(d.ID, d.LastError)
//	}
//
// # When a publication fails
//
// After [ErrUnavailable], [ErrAnswer] or an ended context nobody knows whether
// the event was accepted. Publishing it again is safe only with the same key,
// so a program that will do that (a job, a message handler) should set
// [Event.IdempotencyKey] to a name of the occurrence itself, such as
// "order-42-paid".
//
//	var problem *client.Error
//	switch {
//	case errors.Is(err, client.ErrUnavailable): // try again later, same key
//	case errors.As(err, &problem):              // problem.Code, .Field, .RequestID
//	}
package client
