package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// RecoveryRequest asks to redeliver many deliveries of one subscription.
type RecoveryRequest struct {
	// SubscriptionID and Since are required. Deliveries created from Since
	// until just before Until are recovered; the zero Until is now.
	SubscriptionID string    `json:"subscription_id"`
	Since          time.Time `json:"since"`
	Until          time.Time `json:"until,omitzero"`

	// Of is which deliveries are recovered; "" is RecoverExhausted.
	Of RecoveryOf `json:"status,omitempty"`

	// Rate is how many go in a second; 0 is the server's default.
	Rate   int    `json:"rate,omitempty"`
	Reason string `json:"reason,omitempty"`

	// Tenant, when given, must be the subscription's.
	Tenant string `json:"tenant,omitempty"`
}

// Recovery redelivers many deliveries, oldest first, on the server.
type Recovery struct {
	// ID is rcv_…; "" of a dry run.
	ID             string `json:"id,omitempty"`
	Tenant         string `json:"tenant"`
	SubscriptionID string `json:"subscription_id"`

	Status RecoveryStatus `json:"status"`

	// Recovers is what RecoveryRequest calls Of.
	Recovers RecoveryOf `json:"recovers"`
	Since    time.Time  `json:"since"`
	Until    time.Time  `json:"until"`
	Rate     int        `json:"rate"`
	By       string     `json:"by,omitempty"`
	Reason   string     `json:"reason,omitempty"`

	// Total is how many there were when it was asked for, Done how many were
	// told to go so far, and Skipped how many could not any more.
	Total   int `json:"total"`
	Done    int `json:"done"`
	Skipped int `json:"skipped"`

	CreatedAt  time.Time         `json:"created_at,omitzero"`
	UpdatedAt  time.Time         `json:"updated_at,omitzero"`
	FinishedAt time.Time         `json:"finished_at,omitzero"` // zero while running
	Links      map[string]string `json:"links,omitempty"`

	// DryRun says that nothing was started.
	DryRun bool `json:"dry_run,omitempty"`
}

func (r Recovery) identity() string {
	if r.DryRun {
		return r.SubscriptionID
	}
	return r.ID
}

// Running reports whether r goes on.
func (r Recovery) Running() bool { return r.Status == RecoveryRunning }

// RecoveryFilter selects recoveries for a list. The zero value selects all.
type RecoveryFilter struct {
	Tenant         string
	SubscriptionID string
	Status         RecoveryStatus // "" selects all
	PageSize       int            // how many are fetched at a time, up to 200; 0: the server's default
}

// StartRecovery starts one. The server carries it on, whatever becomes of it or
// of us; [Client.Recovery] tells how far it is. It is not tried again when it
// may have arrived.
func (c *Client) StartRecovery(ctx context.Context, r RecoveryRequest) (*Recovery, error) {
	return send[Recovery](ctx, c, call{method: http.MethodPost, path: "v1/recoveries", once: true}, r)
}

// DryRunRecovery says what StartRecovery would do, in Total above all, and
// starts nothing.
func (c *Client) DryRunRecovery(ctx context.Context, r RecoveryRequest) (*Recovery, error) {
	return send[Recovery](ctx, c, call{method: http.MethodPost, path: "v1/recoveries"}, struct {
		RecoveryRequest
		DryRun bool `json:"dry_run"`
	}{r, true})
}

// Recovery looks one up.
func (c *Client) Recovery(ctx context.Context, id string) (*Recovery, error) {
	return fetch[Recovery](ctx, c, "recoveries", id)
}

// Recoveries lists them, newest first, page by page as it goes.
func (c *Client) Recoveries(ctx context.Context, f RecoveryFilter) iter.Seq2[Recovery, error] {
	return list[Recovery](ctx, c, "v1/recoveries", queryOf("tenant", f.Tenant, "subscription_id", f.SubscriptionID,
		"status", string(f.Status), "limit", number(f.PageSize)))
}

// CancelRecovery stops it. What it has let go stays let go. [ErrConflict] says
// that it has finished.
func (c *Client) CancelRecovery(ctx context.Context, id, reason string) (*Recovery, error) {
	return act[Recovery](ctx, c, false, reasoned{reason}, "recoveries", id, "cancel")
}
