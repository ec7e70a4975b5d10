package models

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Limits of a subscription's parts, in bytes unless said otherwise.
const (
	MaxSubscriptionName = 200
	MaxURL              = 2048
	MaxEventTypes       = 100 // patterns
	MaxHeaders          = 50  // entries
	MaxHeaderValue      = 4096
	MaxProperties       = 16 * 1024 // as JSON
)

// Bounds of an attempt's timeout.
const (
	DefaultTimeout = 15 * time.Second
	MinTimeout     = time.Second
	MaxTimeout     = 30 * time.Second
)

// SubscriptionStatus says whether a subscription receives events.
type SubscriptionStatus string

// The statuses of a subscription.
const (
	SubscriptionActive   SubscriptionStatus = "active"
	SubscriptionDisabled SubscriptionStatus = "disabled" // gets no new deliveries; waiting ones are cancelled
)

// Signature names the scheme that signs a subscription's requests.
type Signature string

// SignatureStandard is Standard Webhooks 1.0 with HMAC-SHA256 (v1), the default.
const SignatureStandard Signature = "standard"

// Payload names the form of the request body.
type Payload string

// The body forms.
const (
	PayloadEnvelope Payload = "envelope" // {"type","timestamp","data"[,"properties"]}; the default
	PayloadData     Payload = "data"     // the event's data, untouched
)

// Secret is one signing secret of a subscription.
type Secret struct {
	Value     string    `json:"value"` // whsec_…
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Subscription is a subscriber's registration.
type Subscription struct {
	ID             string
	Tenant         string
	Name           string
	URL            string
	EventTypes     []string                   // patterns, see Matches
	Headers        map[string]string          // sent with every attempt
	Properties     map[string]json.RawMessage // added to the envelope
	Secrets        []Secret                   // newest first; each one that has not expired signs
	Signature      Signature
	Payload        Payload
	Timeout        time.Duration // of a whole attempt
	RetrySchedule  Schedule      // nil: DefaultSchedule
	Status         SubscriptionStatus
	DisabledReason string // why, when we disabled it
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// NewSubscription gives s its id, its times and its defaults. It makes no secret. Call it once, before Validate.
func NewSubscription(s Subscription, now time.Time) *Subscription {
	s.ID = NewID(SubscriptionPrefix)
	s.CreatedAt = now.UTC().Truncate(time.Millisecond)
	s.UpdatedAt = s.CreatedAt
	s.SetDefaults()
	return &s
}

// SetDefaults fills what was left empty.
func (s *Subscription) SetDefaults() {
	setDefault(&s.Tenant, DefaultTenant)
	setDefault(&s.Signature, SignatureStandard)
	setDefault(&s.Payload, PayloadEnvelope)
	setDefault(&s.Timeout, DefaultTimeout)
	setDefault(&s.Status, SubscriptionActive)
}

// Validate returns a CodeInvalid *Error that names the first field which breaks a rule.
func (s *Subscription) Validate() error {
	return firstError(
		ValidateTenant(s.Tenant),
		validateText("name", s.Name, MaxSubscriptionName),
		ValidateURL("url", s.URL),
		validatePatterns(s.EventTypes),
		validateHeaders(s.Headers),
		validateProperties(s.Properties),
		oneOf("signature", s.Signature, SignatureStandard),
		oneOf("payload", s.Payload, PayloadEnvelope, PayloadData),
		validateTimeout(s.Timeout),
		s.RetrySchedule.validate(),
		oneOf("status", s.Status, SubscriptionActive, SubscriptionDisabled),
	)
}

// LiveSecrets lists the values of the secrets that sign at the given time, newest first.
func (s *Subscription) LiveSecrets(now time.Time) []string {
	var live []string
	for _, secret := range s.Secrets {
		if secret.ExpiresAt.IsZero() || now.Before(secret.ExpiresAt) {
			live = append(live, secret.Value)
		}
	}
	return live
}

// Schedule is the retry schedule in force.
func (s *Subscription) Schedule() Schedule {
	if s.RetrySchedule == nil {
		return DefaultSchedule()
	}
	return s.RetrySchedule
}

// Clone copies s deeply enough that changing the copy leaves s alone.
func (s *Subscription) Clone() *Subscription {
	c := *s
	c.EventTypes = slices.Clone(s.EventTypes)
	c.Headers = maps.Clone(s.Headers)
	c.Properties = maps.Clone(s.Properties)
	c.Secrets = slices.Clone(s.Secrets)
	c.RetrySchedule = slices.Clone(s.RetrySchedule)
	return &c
}

// SubscriptionFilter selects subscriptions for a list. The zero value selects all.
type SubscriptionFilter struct {
	Tenant string
	Status SubscriptionStatus
	Page   Page
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
