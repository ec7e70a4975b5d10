package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Bulk is an action on many deliveries that the server has begun.
type Bulk struct {
	// EventID, SubscriptionID or Tenant identifies the owner of the deliveries.
	EventID        string `json:"event_id,omitempty"`
	SubscriptionID string `json:"subscription_id,omitempty"`
	Tenant         string `json:"tenant,omitempty"`

	// Deliveries is the number of deliveries to act on when the action was
	// requested.
	Deliveries int   `json:"deliveries"`
	Links      Links `json:"links"`
}

func (b Bulk) identity() string { return b.EventID + b.SubscriptionID + b.Tenant }

// Cancellation is the cancellation of many deliveries.
type Cancellation struct {
	Bulk

	// Events is the number of events that it also stopped and whose deliveries
	// were not planned yet.
	Events int `json:"events"`
}

// ActionRequest is the body of an action that takes a reason. The calls of
// [Client] fill it in.
type ActionRequest struct {
	Reason string `json:"reason,omitempty"`
}

// JobRequest is the body of an action on many deliveries. The calls of [Client]
// fill it in.
type JobRequest struct {
	Rate   int    `json:"rate,omitempty"` // deliveries per second; 0: the server's default
	Reason string `json:"reason,omitempty"`
}

// CancelTenant cancels all events of the tenant that were accepted before the
// call and are not delivered. Events accepted after the answer are delivered.
func (c *Client) CancelTenant(ctx context.Context, tenant, reason string) (*Cancellation, error) {
	odd := func(r rune) bool { return foreign(r) && !strings.ContainsRune(".:@-", r) }
	if tenant == "" || foreign(rune(tenant[0])) || strings.ContainsFunc(tenant, odd) {
		return nil, fmt.Errorf("%w: %q is no tenant's name", ErrInvalid, tenant)
	}
	return send[Cancellation](ctx, c, call{method: http.MethodPost, path: "v1/tenants/" + tenant + "/cancel"}, ActionRequest{reason})
}
