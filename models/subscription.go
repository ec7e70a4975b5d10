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
	SubscriptionPaused   SubscriptionStatus = "paused"   // its deliveries, new ones too, are held until it is resumed
	SubscriptionDisabled SubscriptionStatus = "disabled" // gets no new deliveries; waiting ones are cancelled
)

// SubscriptionStatuses lists all of them.
func SubscriptionStatuses() []SubscriptionStatus {
	return []SubscriptionStatus{SubscriptionActive, SubscriptionPaused, SubscriptionDisabled}
}

// Signature names the scheme that signs a subscription's requests.
type Signature string

// The signatures; package webhook has a profile of the same name for each.
const (
	SignatureStandard     Signature = "standard"         // Standard Webhooks 1.0 with HMAC-SHA256 (v1); the default
	SignatureEd25519      Signature = "standard-ed25519" // Standard Webhooks 1.0 with Ed25519 (v1a)
	SignatureGitHub       Signature = "github"
	SignatureStripe       Signature = "stripe"
	SignatureASPNet       Signature = "aspnet"
	SignatureServiceStack Signature = "servicestack"
)

// Signatures lists all of them, the default first.
func Signatures() []Signature {
	return []Signature{
		SignatureStandard, SignatureEd25519, SignatureGitHub, SignatureStripe, SignatureASPNet, SignatureServiceStack,
	}
}

// Payload names the form of the request body.
type Payload string

// The body forms.
const (
	PayloadEnvelope Payload = "envelope" // {"type","timestamp","data"[,"properties"]}; the default
	PayloadData     Payload = "data"     // the event's data, untouched
	// PayloadCloudEvents is a CloudEvents 1.0 event in structured JSON.
	PayloadCloudEvents Payload = "cloudevents"
)

// Subscription is a subscriber's registration.
type Subscription struct {
	ID             string
	Tenant         string
	Name           string
	URL            string
	EventTypes     []string                   // see Patterns
	Headers        map[string]string          // sent with every attempt
	ForwardHeaders []string                   // patterns of the headers of a webhook that are sent on; nil: all
	Properties     map[string]json.RawMessage // added to the envelope
	Auth           Auth                       // how requests prove who sends them, besides the signature
	TLS            TLS                        // what connections need beyond what every machine trusts
	Secrets        []Secret                   // newest first; see LiveSecrets and SigningSecret
	Signature      Signature
	Payload        Payload
	Timeout        time.Duration // of a whole attempt
	RetrySchedule  Schedule      // nil: DefaultSchedule
	Status         SubscriptionStatus
	DisabledReason string    // why, when we disabled it
	PausedAt       time.Time // when it was paused; zero unless it is
	Paused         Why       // by whom it was paused, and why; empty unless it is
	// ResumeRate is how many held deliveries are released in a second: from the end of a pause until none is held any
	// more. 0: none are being released.
	ResumeRate int
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// NewSubscription gives s its id, its times and its defaults. It makes no secret. Call it once, before Validate.
func NewSubscription(s Subscription, now time.Time) *Subscription {
	s.ID = NewID(SubscriptionPrefix)
	s.CreatedAt = now.UTC().Truncate(time.Millisecond)
	s.UpdatedAt = s.CreatedAt
	s.SetDefaults()
	return &s
}

// SetDefaults fills empty fields with their defaults.
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
		validateForward(s.ForwardHeaders),
		validateProperties(s.Properties),
		oneOf("signature", s.Signature, Signatures()...),
		oneOf("payload", s.Payload, PayloadEnvelope, PayloadData, PayloadCloudEvents),
		s.Auth.Validate(),
		s.TLS.Validate(),
		validateTimeout(s.Timeout),
		s.RetrySchedule.validate(),
		oneOf("status", s.Status, SubscriptionStatuses()...),
	)
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
	c.ForwardHeaders = slices.Clone(s.ForwardHeaders)
	c.Properties = maps.Clone(s.Properties)
	c.Secrets = slices.Clone(s.Secrets)
	c.RetrySchedule = slices.Clone(s.RetrySchedule)
	c.Auth.Scopes = slices.Clone(s.Auth.Scopes)
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

// Owner is the tenant.
func (s *Subscription) Owner() string { return s.Tenant }
