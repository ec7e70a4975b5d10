package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
)

// Source is an endpoint to which another system posts its webhooks, as the
// server shows it. Each webhook becomes an event of its tenant.
type Source struct {
	// ID is src_…
	ID       string `json:"id"`
	Tenant   string `json:"tenant"`
	Name     string `json:"name"`
	Provider string `json:"provider"`

	// URL is the URL to give to the provider: only its path, /in/src_…, unless
	// PublicURL is known. Where a provider signs nothing, it is a secret.
	URL string `json:"url"`

	// Credentials describes the credentials; the server never shows them.
	Credentials Credentials `json:"credentials"`

	// PublicURL is the part of the URL before the path. "" means that it is not
	// known.
	PublicURL string `json:"public_url,omitempty"`

	// Settings replace fields of the provider's row. nil means none.
	Settings json.RawMessage `json:"settings,omitempty"`

	Status    SourceStatus `json:"status"`
	CreatedAt Timestamp    `json:"created_at"`
	UpdatedAt Timestamp    `json:"updated_at"`
	Links     Links        `json:"links"`
}

func (s Source) identity() string { return s.ID }

// Credentials describes a source's credentials without their secrets.
type Credentials struct {
	Count   int      `json:"count"`
	IDs     []string `json:"ids,omitempty"`     // of the credentials that have an id
	Schemes []string `json:"schemes,omitempty"` // of the credentials that name a scheme
}

// SourceFields holds the fields with which a source is created or changed. A
// field with its zero value gets its default, or stays as it is.
type SourceFields struct {
	// Tenant and Provider can be set only when creating. Provider is required
	// then; see [Client.Providers].
	Tenant   string `json:"tenant,omitempty"`
	Provider string `json:"provider,omitempty"`

	Name *string `json:"name,omitempty"`

	// Credentials are required to create, unless the provider brings the
	// secret. They replace all earlier credentials. A request may fit any of
	// them, so while a secret is being replaced, give the old and the new one.
	Credentials []Credential `json:"credentials,omitempty"`

	PublicURL string          `json:"public_url,omitempty"`
	Settings  json.RawMessage `json:"settings,omitempty"`
	Status    SourceStatus    `json:"status,omitempty"`
}

// Credential is a secret that a provider signs with, or sends. Requests of a
// provider with several at a time, such as Pusher, name one by its ID;
// elsewhere the ID is a note. Scheme names the scheme that the credential is
// for, where the provider's row names its schemes, as for the token of Meta's
// handshake.
type Credential struct {
	ID     string `json:"id,omitempty"`
	Scheme string `json:"scheme,omitempty"`
	Secret string `json:"secret"`
}

// Provider describes a provider and the fields that a source for it needs.
type Provider struct {
	Name string `json:"name"`

	// Credentials describe in words the credentials that a source can have.
	Credentials []string `json:"credentials"`

	// BringsSecret says that the provider itself sends the secret that it signs
	// with, so that a source needs no credentials.
	BringsSecret bool `json:"brings_secret"`

	// NeedsCredentialIDs says that each credential needs its ID. NeedsPublicURL
	// says that the provider signs the URL that it calls.
	NeedsCredentialIDs bool `json:"needs_credential_ids"`
	NeedsPublicURL     bool `json:"needs_public_url"`

	// SendsDeliveryID says that a repetition can be recognised. SignsDeliveryID
	// says that nobody else can make a repetition look like a new webhook.
	SendsDeliveryID bool `json:"sends_delivery_id"`
	SignsDeliveryID bool `json:"signs_delivery_id"`

	// Settings is the provider's row, whose fields [Source.Settings] replace;
	// package webhook/receivers explains it.
	Settings json.RawMessage `json:"settings"`
}

// SourceFilter selects sources for a list. The zero value selects all.
type SourceFilter struct {
	Tenant   string
	PageSize int // how many are fetched at a time, up to 200; 0: the server's default
}

// CreateSource creates an endpoint for a provider's webhooks. The call is not
// retried when it may have arrived.
func (c *Client) CreateSource(ctx context.Context, fields SourceFields) (*Source, error) {
	return send[Source](ctx, c, call{method: http.MethodPost, path: "v1/sources", once: true}, fields)
}

// Source looks up a source.
func (c *Client) Source(ctx context.Context, id string) (*Source, error) {
	return fetch[Source](ctx, c, "sources", id)
}

// Sources lists sources, newest first. It fetches one page after the other
// while the caller walks through the list.
func (c *Client) Sources(ctx context.Context, f SourceFilter) iter.Seq2[Source, error] {
	return list[Source](ctx, c, "v1/sources", queryOf("tenant", f.Tenant, "limit", number(f.PageSize)))
}

// UpdateSource changes the fields that are given, and empties the fields named
// in reset: public_url or settings.
func (c *Client) UpdateSource(ctx context.Context, id string, fields SourceFields, reset ...string) (*Source, error) {
	path, err := pathOf("sources", id)
	if err != nil {
		return nil, err
	}
	change, err := patchOf(fields, reset)
	if err != nil {
		return nil, err
	}
	return send[Source](ctx, c, call{method: http.MethodPatch, path: path}, change)
}

// DeleteSource deletes a source; the events that came from it stay. The error
// is [ErrNotFound] for a source that is gone already, even when an earlier
// attempt of the same call deleted it and its answer was lost.
func (c *Client) DeleteSource(ctx context.Context, id string) error {
	path, err := pathOf("sources", id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path}, nil)
}

// Providers lists the providers whose webhooks the server accepts.
func (c *Client) Providers(ctx context.Context) ([]Provider, error) {
	all, err := getPage[Provider](ctx, c, "v1/providers", nil)
	if err != nil {
		return nil, err
	}
	return all.Data, nil
}
