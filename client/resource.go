package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// identified is an answer that has an id. An answer without its id is not the
// resource that was requested.
type identified interface{ identity() string }

// fetch looks up a resource by its id.
func fetch[T identified](ctx context.Context, c *Client, resource, id string) (*T, error) {
	path, err := pathOf(resource, id)
	if err != nil {
		return nil, err
	}
	return send[T](ctx, c, call{method: http.MethodGet, path: path}, nil)
}

// act requests an action on the resource that has the id.
func act[T identified](ctx context.Context, c *Client, once bool, body any, resource, id, action string) (*T, error) {
	path, err := pathOf(resource, id, action)
	if err != nil {
		return nil, err
	}
	return send[T](ctx, c, call{method: http.MethodPost, path: path, once: once}, body)
}

// send makes the call with the body as JSON, if there is one, and returns the
// answer.
func send[T identified](ctx context.Context, c *Client, what call, body any) (*T, error) {
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		what.body = text
	}
	var answer T
	if err := c.do(ctx, what, &answer); err != nil {
		return nil, err
	}
	if answer.identity() == "" {
		return nil, fmt.Errorf("%w: it has no id", ErrAnswer)
	}
	return &answer, nil
}
