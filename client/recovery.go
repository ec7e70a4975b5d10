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

	// Of selects the deliveries to recover; "" means RecoverExhausted.
	Of RecoveryOf `json:"status,omitempty"`

	// Rate is the number of deliveries per second; 0 is the server's default.
	Rate   int    `json:"rate,omitempty"`
	Reason string `json:"reason,omitempty"`

	// Tenant, when given, must be the subscription's.
	Tenant string `json:"tenant,omitempty"`

	// DryRun starts nothing. [Client.DryRunRecovery] sets it, and
	// [Client.StartRecovery] does not send it.
	DryRun bool `json:"dry_run,omitempty"`
}

// RecoveryPlan says what a recovery does.
type RecoveryPlan struct {
	Tenant         string `json:"tenant"`
	SubscriptionID string `json:"subscription_id"`

	// Recovers is the status of the deliveries that it recovers.
	Recovers RecoveryOf `json:"recovers"`
	Since    Timestamp  `json:"since"`
	Until    Timestamp  `json:"until"`
	Rate     int        `json:"rate"`
	By       string     `json:"by,omitempty"`
	Reason   string     `json:"reason,omitempty"`

	// Total is the number of deliveries when the recovery was requested.
	Total int `json:"total"`
}

// RecoveryDryRun is a recovery that was not started.
type RecoveryDryRun struct {
	DryRun bool `json:"dry_run"` // true
	RecoveryPlan
}

func (r RecoveryDryRun) identity() string { return r.SubscriptionID }

// Recovery redelivers many deliveries, oldest first, on the server.
type Recovery struct {
	// ID is rcv_…
	ID     string         `json:"id"`
	Status RecoveryStatus `json:"status"`
	RecoveryPlan

	// Done counts the deliveries that were released so far, and Skipped the
	// deliveries that could no longer be redelivered.
	Done    int `json:"done"`
	Skipped int `json:"skipped"`

	CreatedAt  Timestamp `json:"created_at"`
	UpdatedAt  Timestamp `json:"updated_at"`
	FinishedAt Timestamp `json:"finished_at,omitzero"` // zero while running
	Links      Links     `json:"links"`
}

func (r Recovery) identity() string { return r.ID }

// Running reports whether the recovery is still running.
func (r Recovery) Running() bool { return r.Status == RecoveryRunning }

// RecoveryFilter selects recoveries for a list. The zero value selects all.
type RecoveryFilter struct {
	Tenant         string
	SubscriptionID string
	Status         RecoveryStatus // "" selects all
	PageSize       int            // how many are fetched at a time, up to 200; 0: the server's default
}

// StartRecovery starts a recovery. The server continues it, even after a
// restart of the server or of the caller; [Client.Recovery] returns its
// progress. The call is not retried when it may have arrived.
func (c *Client) StartRecovery(ctx context.Context, r RecoveryRequest) (*Recovery, error) {
	r.DryRun = false
	return send[Recovery](ctx, c, call{method: http.MethodPost, path: "v1/recoveries", once: true}, r)
}

// DryRunRecovery returns the plan of the recovery that StartRecovery would
// start, above all its Total, and starts nothing.
func (c *Client) DryRunRecovery(ctx context.Context, r RecoveryRequest) (*RecoveryDryRun, error) {
	r.DryRun = true
	return send[RecoveryDryRun](ctx, c, call{method: http.MethodPost, path: "v1/recoveries"}, r)
}

// Recovery looks up a recovery.
func (c *Client) Recovery(ctx context.Context, id string) (*Recovery, error) {
	return fetch[Recovery](ctx, c, "recoveries", id)
}

// Recoveries lists recoveries, newest first. It fetches one page after the
// other while the caller walks through the list.
func (c *Client) Recoveries(ctx context.Context, f RecoveryFilter) iter.Seq2[Recovery, error] {
	return list[Recovery](ctx, c, "v1/recoveries", queryOf("tenant", f.Tenant, "subscription_id", f.SubscriptionID,
		"status", string(f.Status), "limit", number(f.PageSize)))
}

// CancelRecovery stops a recovery. Deliveries that it has released stay
// released. [ErrConflict] means that it has finished.
func (c *Client) CancelRecovery(ctx context.Context, id, reason string) (*Recovery, error) {
	return act[Recovery](ctx, c, false, ActionRequest{reason}, "recoveries", id, "cancel")
}
