package client

import (
	"context"
	"net/http"
)

// Erasure is the removal of all that the server keeps of a tenant, or of one
// event: rows, sealed values, idempotency keys, and workflow executions in
// Temporal.
type Erasure struct {
	// ID is ers_…
	ID      string `json:"id"`
	Tenant  string `json:"tenant"`
	EventID string `json:"event_id,omitempty"` // "": all of the tenant
	By      string `json:"by,omitempty"`

	CreatedAt  Timestamp `json:"created_at"`
	FinishedAt Timestamp `json:"finished_at,omitzero"` // zero while it is under way

	// These count what was removed so far; Workflows is there once it is finished.
	Events     int `json:"events"`
	Deliveries int `json:"deliveries"`
	Attempts   int `json:"attempts"`
	Workflows  int `json:"workflows"`

	Links Links `json:"links"`
}

func (e Erasure) identity() string { return e.ID }

// EraseTenant has all removed that the server keeps of the tenant: what is there
// at the time of the call. Events that are published later stay.
func (c *Client) EraseTenant(ctx context.Context, tenant string) (*Erasure, error) {
	path, err := tenantPath(tenant)
	if err != nil {
		return nil, err
	}
	return send[Erasure](ctx, c, call{method: http.MethodDelete, path: path}, nil)
}

// EraseEvent has an event removed with all that belongs to it. While one of its
// deliveries is open, the error is [ErrConflict], unless cancel says to stop
// them.
func (c *Client) EraseEvent(ctx context.Context, id string, cancel bool) (*Erasure, error) {
	path, err := pathOf("events", id)
	if err != nil {
		return nil, err
	}
	what := call{method: http.MethodDelete, path: path}
	if cancel {
		what.query = queryOf("cancel", "true")
	}
	return send[Erasure](ctx, c, what, nil)
}

// Erasure looks up an erasure.
func (c *Client) Erasure(ctx context.Context, id string) (*Erasure, error) {
	return fetch[Erasure](ctx, c, "erasures", id)
}
