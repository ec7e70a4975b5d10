package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
)

// Tenant is a tenant with its settings, and how much there is of it.
type Tenant struct {
	Name string `json:"tenant"`
	TenantFields

	Subscriptions Count `json:"subscriptions"`
	Events        Count `json:"events"`
	Outstanding   Count `json:"outstanding"` // deliveries that are pending or held

	UpdatedAt Timestamp `json:"updated_at,omitzero"` // zero: it has no settings
	Links     Links     `json:"links"`
}

func (t Tenant) identity() string { return t.Name }

// TenantFields are the settings of a tenant. The zero value of each is its
// default, except that a call leaves a retention that is nil as it is.
type TenantFields struct {
	// DeliveryMode is auto, child, inline or grouped; "" is the deployment's.
	DeliveryMode string `json:"delivery_mode,omitempty"`

	// MaxSubscriptions is how many subscriptions it may have; 0: any number.
	MaxSubscriptions int `json:"max_subscriptions,omitempty"`

	// PublishRate is how many events a second each process of the API accepts; 0:
	// any number. Beyond it, publishing is refused with status 429.
	PublishRate int `json:"publish_rate,omitempty"`

	// Retention is for how long an event is kept, with its deliveries, attempts and
	// idempotency key, after the last change of them; 0: for ever. At least an hour.
	// In an answer, nil is the installation's. In a call, nil leaves it as it is, and
	// the JSON null goes back to the installation's.
	Retention *Duration `json:"retention,omitempty"`

	// PayloadRetention is for how long the data of events, and the headers and
	// answers of attempts, are kept; 0: as long as the event. At least an hour. What
	// nil and the JSON null mean is as for Retention.
	PayloadRetention *Duration `json:"payload_retention,omitempty"`
}

// Count is a number that is counted up to a bound.
type Count struct {
	Count int  `json:"count"`
	More  bool `json:"more,omitempty"` // there may be more
}

// Tenants lists by name the tenants that have settings, a subscription or an
// event. It fetches one page after the other while the caller walks through the
// list. pageSize is how many are fetched at a time; 0: the server's default.
func (c *Client) Tenants(ctx context.Context, pageSize int) iter.Seq2[Tenant, error] {
	return list[Tenant](ctx, c, "v1/tenants", queryOf("limit", number(pageSize)))
}

// Tenant looks up a tenant. Any possible name is one.
func (c *Client) Tenant(ctx context.Context, name string) (*Tenant, error) {
	path, err := tenantPath(name)
	if err != nil {
		return nil, err
	}
	return send[Tenant](ctx, c, call{method: http.MethodGet, path: path}, nil)
}

// SetTenant replaces the settings of a tenant. A retention that is nil stays as
// it is; one that is named in reset (retention, payload_retention) becomes the
// installation's, and what that does not keep is removed for good within minutes.
func (c *Client) SetTenant(ctx context.Context, name string, fields TenantFields, reset ...string) (*Tenant, error) {
	path, err := tenantPath(name)
	if err != nil {
		return nil, err
	}
	settings, err := patchOf(fields, reset)
	if err != nil {
		return nil, err
	}
	return send[Tenant](ctx, c, call{method: http.MethodPut, path: path}, settings)
}

// CancelTenant cancels all events of the tenant that were accepted before the
// call and are not delivered. Events accepted after the answer are delivered.
func (c *Client) CancelTenant(ctx context.Context, tenant, reason string) (*Cancellation, error) {
	path, err := tenantPath(tenant)
	if err != nil {
		return nil, err
	}
	return send[Cancellation](ctx, c, call{method: http.MethodPost, path: path + "/cancel"}, ActionRequest{reason})
}

func tenantPath(name string) (string, error) {
	odd := func(r rune) bool { return foreign(r) && !strings.ContainsRune(".:@-", r) }
	if name == "" || foreign(rune(name[0])) || strings.ContainsFunc(name, odd) {
		return "", fmt.Errorf("%w: %q is no tenant's name", ErrInvalid, name)
	}
	return "v1/tenants/" + name, nil
}
