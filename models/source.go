package models

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Limits of a source's parts, in bytes unless said otherwise.
const (
	MaxSourceName         = 200
	MaxProviderName       = 100
	MaxSourceCredentials  = 10 // they are all tried
	MaxSourceCredentialID = 200
	MaxSourceSecret       = 4096
	MaxSourceSettings     = 16 * 1024 // as JSON
)

// SourceStatus says whether a source takes webhooks.
type SourceStatus string

// The statuses of a source.
const (
	SourceActive   SourceStatus = "active"
	SourceDisabled SourceStatus = "disabled" // it answers as if it were not there
)

// SourceStatuses lists all of them, the default first.
func SourceStatuses() []SourceStatus { return []SourceStatus{SourceActive, SourceDisabled} }

// SourceCredential is something that a provider signs with, or shows.
type SourceCredential struct {
	ID     string `json:"id,omitempty"`     // which one a request means, where the provider has several; else a note
	Scheme string `json:"scheme,omitempty"` // the name of the scheme that it is for; empty: those without a name
	Secret string `json:"secret"`
}

// Source is where another system posts its webhooks to us. They become events of the source's tenant.
type Source struct {
	ID          string
	Tenant      string
	Name        string
	Provider    string             // a row of package webhook/receivers
	Credentials []SourceCredential // any of them fits: several while one is being replaced; none: the provider is to bring it
	PublicURL   string             // what stands before the path in the URL that the provider calls; empty: not known
	Settings    json.RawMessage    // an object whose fields replace those of the provider's row; nil: none
	Status      SourceStatus
	CreatedAt   time.Time
	UpdatedAt   time.Time // each change is later than the one before
}

// NewSource gives s its id, its times and its defaults. Call it once, before Validate.
func NewSource(s Source, now time.Time) *Source {
	s.ID = NewSourceID()
	s.CreatedAt = now.UTC().Truncate(time.Millisecond)
	s.UpdatedAt = s.CreatedAt
	setDefault(&s.Tenant, DefaultTenant)
	setDefault(&s.Status, SourceActive)
	return &s
}

// Validate returns a CodeInvalid *Error that names the first field which breaks a rule. Whether the credentials are such
// as the provider uses, it does not know.
func (s *Source) Validate() error {
	return firstError(
		ValidateTenant(s.Tenant),
		validateText("name", s.Name, MaxSourceName),
		s.validateProvider(),
		validateCredentials(s.Credentials),
		s.validatePublicURL(),
		s.validateSettings(),
		oneOf("status", s.Status, SourceStatuses()...),
	)
}

func (s *Source) validateProvider() error {
	if s.Provider == "" {
		return Invalid("provider", "is required")
	}
	return validateText("provider", s.Provider, MaxProviderName)
}

// validateCredentials lets it be that there are none, which is right for providers that bring the secret.
func validateCredentials(credentials []SourceCredential) error {
	if len(credentials) > MaxSourceCredentials {
		return Invalid("credentials", "has %d entries; at most %d are allowed", len(credentials), MaxSourceCredentials)
	}
	for i, c := range credentials {
		field := index("credentials", i)
		if c.Secret == "" {
			return Invalid(field+".secret", "is required")
		}
		if err := firstError(validateText(field+".id", c.ID, MaxSourceCredentialID),
			validateText(field+".scheme", c.Scheme, MaxSourceCredentialID),
			validateText(field+".secret", c.Secret, MaxSourceSecret)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) validatePublicURL() error {
	if s.PublicURL == "" {
		return nil
	}
	if strings.Contains(s.PublicURL, "?") {
		return Invalid("public_url", "must not have a query")
	}
	return ValidateURL("public_url", s.PublicURL)
}

func (s *Source) validateSettings() error {
	if len(s.Settings) > MaxSourceSettings {
		return Invalid("settings", "is %d bytes of JSON; at most %d are allowed", len(s.Settings), MaxSourceSettings)
	}
	if s.Settings != nil && !json.Valid(s.Settings) {
		return Invalid("settings", "is not JSON")
	}
	return nil
}

// Path is where the provider posts.
func (s *Source) Path() string { return "/in/" + s.ID }

// URL is the URL to give to the provider: the path alone where the public URL is not known.
func (s *Source) URL() string { return strings.TrimRight(s.PublicURL, "/") + s.Path() }

// Clone copies s deeply enough that changing the copy leaves s alone.
func (s *Source) Clone() *Source {
	c := *s
	c.Credentials = slices.Clone(s.Credentials)
	c.Settings = slices.Clone(s.Settings)
	return &c
}

// SourceFilter selects sources for a list. The zero value selects all.
type SourceFilter struct {
	Tenant string
	Page   Page
}

// Owner is the tenant.
func (s *Source) Owner() string { return s.Tenant }
