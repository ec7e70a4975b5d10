package client

import (
	"context"
	"iter"
	"time"
)

// AuditEntry is one action of an operator.
type AuditEntry struct {
	ID      string    `json:"id"`
	At      Timestamp `json:"at"`
	Tenant  string    `json:"tenant"`
	Action  string    `json:"action"`        // such as delivery.cancel
	Subject string    `json:"subject"`       // the id of the thing that was acted on
	By      string    `json:"by,omitempty"`  // a name that the caller gave, or the name of the key
	Key     string    `json:"key,omitempty"` // id of the API key, or "root"; "" if none was asked for
	Reason  string    `json:"reason,omitempty"`
}

// AuditFilter selects entries for a list. The zero value selects all.
type AuditFilter struct {
	Tenant   string
	Action   string
	Subject  string
	By       string
	Key      string    // id of an API key, or "root"
	Since    time.Time // inclusive
	Until    time.Time // exclusive
	PageSize int       // how many are fetched at a time, up to 200; 0: the server's default
}

// Audit lists the actions of operators, newest first. It fetches one page after
// the other while the caller walks through the list.
func (c *Client) Audit(ctx context.Context, f AuditFilter) iter.Seq2[AuditEntry, error] {
	return list[AuditEntry](ctx, c, "v1/audit", queryOf("tenant", f.Tenant, "action", f.Action, "subject", f.Subject,
		"by", f.By, "key", f.Key, "since", moment(f.Since), "until", moment(f.Until), "limit", number(f.PageSize)))
}
