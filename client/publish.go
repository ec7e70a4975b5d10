package client

import (
	"context"
	"fmt"
)

// Publish hands one event to the server and returns once it is durable there.
//
// It retries after transient failures, always with the same idempotency key:
// see the package's promises. Errors are *[Error], or wrap it or one of the
// sentinels; when ctx ends, the error also wraps the error of ctx.
func (c *Client) Publish(ctx context.Context, e Event) (*Published, error) {
	body, err := e.withKey().encode()
	if err != nil {
		return nil, err
	}
	var published Published
	if err := c.post(ctx, "v1/events", body, &published); err != nil {
		return nil, err
	}
	if published.ID == "" {
		return nil, fmt.Errorf("%w: it has no id", ErrAnswer)
	}
	return &published, nil
}
