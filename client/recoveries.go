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
}

// Recovery redelivers many deliveries, oldest first, on the server.
type Recovery struct {
	// ID is rcv_…; "" for a dry run.
	ID             string `json:"id,omitempty"`
	Tenant         string `json:"tenant"`
	SubscriptionID string `json:"subscription_id"`

	Status RecoveryStatus `json:"status"`

	// Recovers is the value of RecoveryRequest.Of.
	Recovers RecoveryOf `json:"recovers"`
	Since    time.Time  `json:"since"`
	Until    time.Time  `json:"until"`
	Rate     int        `json:"rate"`
	By       string     `json:"by,omitempty"`
	Reason   string     `json:"reason,omitempty"`

	// Total is the number of deliveries when the recovery was requested. Done
	// counts the deliveries that were released so far, and Skipped the
	// deliveries that could no longer be redelivered.
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
	return send[Recovery](ctx, c, call{method: http.MethodPost, path: "v1/recoveries", once: true}, r)
}

// DryRunRecovery returns the recovery that StartRecovery would start, above all
// its Total, and starts nothing.
func (c *Client) DryRunRecovery(ctx context.Context, r RecoveryRequest) (*Recovery, error) {
	return send[Recovery](ctx, c, call{method: http.MethodPost, path: "v1/recoveries"}, struct {
		RecoveryRequest
		DryRun bool `json:"dry_run"`
	}{r, true})
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
	return act[Recovery](ctx, c, false, reasoned{reason}, "recoveries", id, "cancel")
}
