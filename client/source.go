package client

import (
	"encoding/json"
	"time"
)

// Source is where another system posts its webhooks to, as the server shows it.
// What comes there becomes events of its tenant.
type Source struct {
	// ID is src_…
	ID       string `json:"id"`
	Tenant   string `json:"tenant"`
	Name     string `json:"name"`
	Provider string `json:"provider"`

	// URL is what the provider is to be given: only its path, /in/src_…, unless
	// PublicURL is known. Where a provider signs nothing, it is a secret.
	URL string `json:"url"`

	// Credentials says how many there are; the server never shows them.
	Credentials Credentials `json:"credentials"`

	// PublicURL is what stands before the path. "" means that it is not known.
	PublicURL string `json:"public_url,omitempty"`

	// Settings take the place of fields of the provider's row. nil means none.
	Settings json.RawMessage `json:"settings,omitempty"`

	Status    SourceStatus      `json:"status"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
	Links     map[string]string `json:"links"`
}

func (s Source) identity() string { return s.ID }

// Credentials is what can be told of a source's credentials.
type Credentials struct {
	Count   int      `json:"count"`
	IDs     []string `json:"ids,omitempty"`     // of those that have one
	Schemes []string `json:"schemes,omitempty"` // likewise
}

// SourceFields is what can be said of a source, to create or to change it. What
// is left at its zero value gets its default, or stays as it is.
type SourceFields struct {
	// Tenant and Provider can only be said when creating. Provider is required
	// then; see [Client.Providers].
	Tenant   string `json:"tenant,omitempty"`
	Provider string `json:"provider,omitempty"`

	Name *string `json:"name,omitempty"`

	// Credentials are required to create, unless the provider brings the secret.
	// Any of them fits a request, so while one is being replaced, give both;
	// they replace all there were.
	Credentials []Credential `json:"credentials,omitempty"`

	PublicURL string          `json:"public_url,omitempty"`
	Settings  json.RawMessage `json:"settings,omitempty"`
	Status    SourceStatus    `json:"status,omitempty"`
}

// Credential is something that a provider signs with, or shows. ID says which
// one a request means where the provider has several at a time, as Pusher does;
// elsewhere it is a note. Scheme names the scheme that it is for, where the
// provider's row names one, as for the token of Meta's handshake.
type Credential struct {
	ID     string `json:"id,omitempty"`
	Scheme string `json:"scheme,omitempty"`
	Secret string `json:"secret"`
}

// Provider says what a source for it needs.
type Provider struct {
	Name string `json:"name"`

	// Credentials say in words what each can be.
	Credentials []string `json:"credentials"`

	// BringsSecret tells that the provider sends what it signs with, so that a
	// source needs no credentials.
	BringsSecret bool `json:"brings_secret"`

	// NeedsCredentialIDs tells that each needs its ID, NeedsPublicURL that the
	// provider signs the URL it calls.
	NeedsCredentialIDs bool `json:"needs_credential_ids"`
	NeedsPublicURL     bool `json:"needs_public_url"`

	// SendsDeliveryID tells that a repetition can be recognised, and
	// SignsDeliveryID that nobody else can make it look like something new.
	SendsDeliveryID bool `json:"sends_delivery_id"`
	SignsDeliveryID bool `json:"signs_delivery_id"`

	// Settings is the provider's row, whose fields [Source.Settings] replace;
	// package webhook/receivers explains it.
	Settings json.RawMessage `json:"settings"`
}
