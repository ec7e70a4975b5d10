package operator

import (
	"context"
	"strings"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// keysCmd lists and manages the keys of the API.
type keysCmd struct {
	Remote `group:"Server"`

	List   keysListCmd   `cmd:"" help:"List API keys, newest first, with those that are revoked."`
	Get    keysGetCmd    `cmd:"" help:"Show an API key, without the key itself."`
	Create keysCreateCmd `cmd:"" help:"Create an API key; prints the key, which cannot be shown again."`
	Revoke keysRevokeCmd `cmd:"" help:"Revoke API keys: they open nothing from the next call on."`
}

type keysListCmd struct {
	Limited

	Tenant string `name:"tenant" placeholder:"NAME" help:"Only keys of this tenant."`
}

// Run implements the command.
func (c *keysListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.APIKeys(ctx, client.APIKeyFilter{Tenant: c.Tenant, PageSize: c.pageSize()}), keyLayout)
}

type keysGetCmd struct {
	ID string `arg:"" help:"Id of the key."`
}

// Run implements the command.
func (c *keysGetCmd) Run(ctx context.Context, o *operator) error {
	key, err := o.APIKey(ctx, c.ID)
	if err != nil {
		return err
	}
	return keyLayout.print(o, *key)
}

type keysCreateCmd struct {
	Name    string         `arg:"" help:"Name for people."`
	Scopes  []client.Scope `name:"scope" required:"" placeholder:"SCOPE,…" help:"What the key opens: publish, events:read, payloads:read, subscriptions:read, subscriptions:write, secrets:read, deliveries:act, sources:write, stats:read, audit:read, admin."`
	Tenant  string         `name:"tenant" placeholder:"NAME" help:"Only tenant that the key sees (default: all)."`
	Expires ahead          `name:"expires" placeholder:"WHEN" help:"Time from which the key opens nothing: a time, a date, or how far ahead (12h, 90d, 52w) (default: never)."`
}

// Run implements the command.
func (c *keysCreateCmd) Run(ctx context.Context, o *operator) error {
	key, err := o.CreateAPIKey(ctx, client.APIKeyFields{
		Name: c.Name, Scopes: c.Scopes, Tenant: c.Tenant, ExpiresAt: client.Timestamp{Time: c.Expires.Time},
	})
	if err != nil {
		return err
	}
	return keyLayout.print(o, *key)
}

// ahead is a time on the command line that may be given as a distance from now.
type ahead struct{ time.Time }

// UnmarshalText reads what when reads, but a duration counts from now on.
func (a *ahead) UnmarshalText(text []byte) error {
	if distance, err := terminal.ParseDuration(string(text)); err == nil {
		a.Time = time.Now().Add(distance)
		return nil
	}
	var w when
	if err := w.UnmarshalText(text); err != nil {
		return errAhead
	}
	a.Time = w.Time
	return nil
}

type keysRevokeCmd struct {
	IDs []string `arg:"" name:"id" help:"Ids of the keys."`
}

// Run implements the command.
func (c *keysRevokeCmd) Run(ctx context.Context, o *operator) error {
	type revoked struct {
		ID string `json:"id"`
	}
	return each(o, c.IDs, func(id string) (*revoked, error) { return &revoked{id}, o.RevokeAPIKey(ctx, id) },
		func(r revoked) string { return r.ID + " is revoked" })
}

var keyLayout = layout[client.APIKey]{
	columns: []string{"id", "name", "prefix", "tenant", "scopes", "last_used_at", "revoked_at"},
	fields: func(k client.APIKey) []field {
		return []field{
			{"id", k.ID},
			{"name", k.Name},
			{"key", k.Key},
			{"prefix", k.Prefix},
			{"tenant", k.Tenant},
			{"scopes", joinScopes(k.Scopes)},
			{"created_by", k.CreatedBy},
			{"created_with", k.CreatedWith},
			{"created_at", clock(k.CreatedAt)},
			{"expires_at", clock(k.ExpiresAt)},
			{"last_used_at", clock(k.LastUsedAt)},
			{"revoked_at", clock(k.RevokedAt)},
		}
	},
}

func joinScopes(scopes []client.Scope) string {
	words := make([]string, len(scopes))
	for i, scope := range scopes {
		words[i] = string(scope)
	}
	return strings.Join(words, " ")
}
