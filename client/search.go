package client

import "context"

// SearchHit is a thing that a search found.
type SearchHit struct {
	Kind   string `json:"kind"`             // event, delivery, subscription, source, recovery, key, erasure or event_type
	ID     string `json:"id,omitempty"`     // "" of an event type
	Tenant string `json:"tenant,omitempty"` // "" of a key for all tenants, and of an event type in a search of all tenants
	By     string `json:"by"`               // id, idempotency_key, metadata, name, receiver or type
	Value  string `json:"value"`            // what the thing has there; names and receivers in small letters
	Exact  bool   `json:"exact"`            // the value is what was looked for, and does not just begin with it
	Links  Links  `json:"links"`
}

// Search finds things by what people know of them: an id of any kind, an
// idempotency key, the name or the receiver of a subscription, or an event type,
// or how these begin, or a whole value in the metadata of an event, as is the
// delivery id of a provider. It returns at most ten of each kind, exact ones first,
// and those only that the key may read. An empty tenant searches all.
func (c *Client) Search(ctx context.Context, text, tenant string) ([]SearchHit, error) {
	page, err := getPage[SearchHit](ctx, c, "v1/search", queryOf("q", text, "tenant", tenant))
	if err != nil {
		return nil, err
	}
	return page.Data, nil
}
