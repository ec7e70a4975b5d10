package client

import (
	"context"
	"iter"
	"net/http"
)

// SourceFilter selects sources for a list. The zero value selects all.
type SourceFilter struct {
	Tenant   string
	PageSize int // how many are fetched at a time, up to 200; 0: the server's default
}

// CreateSource creates an endpoint for a provider's webhooks. The call is not
// retried when it may have arrived.
func (c *Client) CreateSource(ctx context.Context, fields SourceFields) (*Source, error) {
	return send[Source](ctx, c, call{method: http.MethodPost, path: "v1/sources", once: true}, fields)
}

// Source looks up a source.
func (c *Client) Source(ctx context.Context, id string) (*Source, error) {
	return fetch[Source](ctx, c, "sources", id)
}

// Sources lists sources, newest first. It fetches one page after the other
// while the caller walks through the list.
func (c *Client) Sources(ctx context.Context, f SourceFilter) iter.Seq2[Source, error] {
	return list[Source](ctx, c, "v1/sources", queryOf("tenant", f.Tenant, "limit", number(f.PageSize)))
}

// UpdateSource changes the fields that are given, and empties the fields named
// in reset: public_url or settings.
func (c *Client) UpdateSource(ctx context.Context, id string, fields SourceFields, reset ...string) (*Source, error) {
	path, err := pathOf("sources", id)
	if err != nil {
		return nil, err
	}
	change, err := patchOf(fields, reset)
	if err != nil {
		return nil, err
	}
	return send[Source](ctx, c, call{method: http.MethodPatch, path: path}, change)
}

// DeleteSource deletes a source; the events that came from it stay. The error
// is [ErrNotFound] for a source that is gone already, even when an earlier
// attempt of the same call deleted it and its answer was lost.
func (c *Client) DeleteSource(ctx context.Context, id string) error {
	path, err := pathOf("sources", id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path}, nil)
}

// Providers lists the providers whose webhooks the server accepts.
func (c *Client) Providers(ctx context.Context) ([]Provider, error) {
	all, err := getPage[Provider](ctx, c, "v1/providers", nil)
	if err != nil {
		return nil, err
	}
	return all.Data, nil
}
