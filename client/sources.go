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

// CreateSource makes a place for a provider's webhooks. It is not tried again
// when it may have arrived.
func (c *Client) CreateSource(ctx context.Context, fields SourceFields) (*Source, error) {
	return send[Source](ctx, c, call{method: http.MethodPost, path: "v1/sources", once: true}, fields)
}

// Source looks one up.
func (c *Client) Source(ctx context.Context, id string) (*Source, error) {
	return fetch[Source](ctx, c, "sources", id)
}

// Sources lists them, newest first, page by page as it goes.
func (c *Client) Sources(ctx context.Context, f SourceFilter) iter.Seq2[Source, error] {
	return list[Source](ctx, c, "v1/sources", queryOf("tenant", f.Tenant, "limit", number(f.PageSize)))
}

// UpdateSource changes the fields that are given, and empties those named in
// reset: public_url or settings.
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

// DeleteSource deletes it; the events that came from it stay. Of a source that
// is gone already it is [ErrNotFound], also when an earlier try of the same
// call had arrived and its answer had not.
func (c *Client) DeleteSource(ctx context.Context, id string) error {
	path, err := pathOf("sources", id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path}, nil)
}

// Providers lists whose webhooks the server takes.
func (c *Client) Providers(ctx context.Context) ([]Provider, error) {
	all, err := getPage[Provider](ctx, c, "v1/providers", nil)
	if err != nil {
		return nil, err
	}
	return all.Data, nil
}
