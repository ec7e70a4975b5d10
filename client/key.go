package client

import (
	"context"
	"iter"
	"net/http"
)

// Scope names a part of the API that an [APIKey] opens.
type Scope string

// The scopes.
const (
	ScopePublish            Scope = "publish"
	ScopeReadEvents         Scope = "events:read"        // events, deliveries, attempts and recoveries
	ScopeReadPayloads       Scope = "payloads:read"      // also the bodies and header values in these
	ScopeReadSubscriptions  Scope = "subscriptions:read" // subscriptions, sources and providers
	ScopeWriteSubscriptions Scope = "subscriptions:write"
	ScopeReadSecrets        Scope = "secrets:read"
	ScopeAct                Scope = "deliveries:act" // redeliver, cancel, pause, resume and recover
	ScopeWriteSources       Scope = "sources:write"
	ScopeReadStats          Scope = "stats:read"
	ScopeReadAudit          Scope = "audit:read"
	ScopeAdmin              Scope = "admin" // keys, tenants and workflows
)

// APIKey is a key for the API, as the server shows it.
type APIKey struct {
	// ID is key_…
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Prefix string  `json:"prefix"` // the first characters of the key
	Scopes []Scope `json:"scopes"`

	// Tenant is the only tenant that the key sees; "" means all.
	Tenant string `json:"tenant,omitempty"`

	// CreatedBy is the name of the person or program that made it, and CreatedWith
	// the id of the API key that was used, or "root".
	CreatedBy   string    `json:"created_by,omitempty"`
	CreatedWith string    `json:"created_with,omitempty"`
	CreatedAt   Timestamp `json:"created_at"`

	ExpiresAt  Timestamp `json:"expires_at,omitzero"`   // zero: never
	LastUsedAt Timestamp `json:"last_used_at,omitzero"` // to a minute; zero: never
	RevokedAt  Timestamp `json:"revoked_at,omitzero"`   // zero: it is not revoked

	// Key is the key itself. Only the answer to the call that makes it has it.
	Key   string `json:"key,omitempty"`
	Links Links  `json:"links"`
}

func (k APIKey) identity() string { return k.ID }

// APIKeyFields holds the fields with which a key is created. Name and Scopes are
// required.
type APIKeyFields struct {
	Name   string  `json:"name"`
	Scopes []Scope `json:"scopes"`

	// Tenant makes a key that sees nothing of other tenants; "" sees all.
	Tenant string `json:"tenant,omitempty"`

	// ExpiresAt is the time from which the key opens nothing; zero means never.
	ExpiresAt Timestamp `json:"expires_at,omitzero"`
}

// APIKeyFilter selects keys for a list. The zero value selects all.
type APIKeyFilter struct {
	Tenant   string
	PageSize int // how many are fetched at a time, up to 200; 0: the server's default
}

// CreateAPIKey makes a key. The answer has the key itself, which the server does
// not keep. The call is not retried when it may have arrived.
func (c *Client) CreateAPIKey(ctx context.Context, fields APIKeyFields) (*APIKey, error) {
	return send[APIKey](ctx, c, call{method: http.MethodPost, path: "v1/keys", once: true}, fields)
}

// APIKey looks up a key.
func (c *Client) APIKey(ctx context.Context, id string) (*APIKey, error) {
	return fetch[APIKey](ctx, c, "keys", id)
}

// APIKeys lists keys, newest first, with those that are revoked. It fetches one
// page after the other while the caller walks through the list.
func (c *Client) APIKeys(ctx context.Context, f APIKeyFilter) iter.Seq2[APIKey, error] {
	return list[APIKey](ctx, c, "v1/keys", queryOf("tenant", f.Tenant, "limit", number(f.PageSize)))
}

// RevokeAPIKey makes a key open nothing any more, from the next call on.
func (c *Client) RevokeAPIKey(ctx context.Context, id string) error {
	path, err := pathOf("keys", id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path}, nil)
}
