package client

import (
	"encoding/json"
	"time"
)

// Subscription is a subscriber's endpoint and the events that it wants, as the
// server shows it. Header values and credentials come as "[redacted]"; sending
// that back leaves them unchanged.
type Subscription struct {
	// ID is sub_…
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	Name   string `json:"name"`
	URL    string `json:"url"`

	// EventTypes are patterns: order.paid, order.* or *.
	EventTypes []string                   `json:"event_types"`
	Headers    map[string]string          `json:"headers"`
	Properties map[string]json.RawMessage `json:"properties"`

	// ForwardHeaders are patterns of the headers that are forwarded from the
	// webhook by which an event came: a name, X-Shopify-* or *, which is the
	// default.
	ForwardHeaders []string `json:"forward_headers"`

	Auth      *Auth     `json:"auth,omitempty"`
	TLS       *TLS      `json:"tls,omitempty"`
	Signature Signature `json:"signature"`
	Payload   Payload   `json:"payload"`

	// Timeout bounds a whole attempt.
	Timeout Duration `json:"timeout"`

	// RetrySchedule is the schedule in force, which may be the default.
	RetrySchedule []Duration `json:"retry_schedule"`

	// DisabledReason says why the server disabled the subscription.
	Status         SubscriptionStatus `json:"status"`
	DisabledReason string             `json:"disabled_reason,omitempty"`

	// SignWith says which secrets sign during the grace of a rotation: all
	// where the signature has room for several, else previous or new. It is
	// empty when no grace is running. PreviousExpiresAt is the time at which
	// each secret before the newest expires.
	SignWith          string      `json:"sign_with,omitempty"`
	PreviousExpiresAt []time.Time `json:"previous_expires_at,omitempty"`

	// ResumeRate is the number of held deliveries per second that are released
	// after a pause, while some are held; otherwise 0.
	ResumeRate int `json:"resume_rate,omitempty"`

	// PausedAt, PausedBy and PausedReason say since when it is paused, by whom
	// and why. Held is the number of held deliveries, up to 100,000; nil while
	// none can be held, and in a list.
	PausedAt     time.Time `json:"paused_at,omitzero"`
	PausedBy     string    `json:"paused_by,omitempty"`
	PausedReason string    `json:"paused_reason,omitempty"`
	Held         *int      `json:"held,omitempty"`

	// FailingSince is the time at which the oldest of the deliveries that are
	// being retried began to fail; zero when none is being retried.
	FailingSince time.Time `json:"failing_since,omitzero"`

	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
	Links     map[string]string `json:"links"`

	// Secret signs the deliveries, and PublicKey verifies them where the
	// signature is [SignatureEd25519], whose private key stays with the server.
	// Only the answer of CreateSubscription has them; [Client.Secret] and
	// [Client.PublicKeys] fetch them later.
	Secret    string `json:"secret,omitempty"`
	PublicKey string `json:"public_key,omitempty"`
}

func (s Subscription) identity() string { return s.ID }

// SubscriptionFields holds the fields with which a subscription is created or
// changed. A field with its zero value gets its default, or stays as it is; an
// empty map that is not nil empties the field.
type SubscriptionFields struct {
	// Tenant and Secret can be set only when creating.
	Tenant string `json:"tenant,omitempty"`
	Secret string `json:"secret,omitempty"`

	// SignWith can be changed only while the grace of a rotation is running,
	// see [Rotation].
	SignWith string `json:"sign_with,omitempty"`

	Name       *string                    `json:"name,omitempty"`
	URL        string                     `json:"url,omitempty"` // required to create
	EventTypes []string                   `json:"event_types,omitempty"`
	Headers    map[string]string          `json:"headers,omitzero"`
	Properties map[string]json.RawMessage `json:"properties,omitzero"`

	// ForwardHeaders forwards no headers if it is empty but not nil.
	ForwardHeaders []string `json:"forward_headers,omitzero"`

	Auth          *Auth              `json:"auth,omitempty"`
	TLS           *TLS               `json:"tls,omitempty"`
	Signature     Signature          `json:"signature,omitempty"`
	Payload       Payload            `json:"payload,omitempty"`
	Timeout       Duration           `json:"timeout,omitempty"`
	RetrySchedule []Duration         `json:"retry_schedule,omitempty"`
	Status        SubscriptionStatus `json:"status,omitempty"`
}

// Auth says how requests authenticate to the receiver. Type decides which of
// the other fields are used.
type Auth struct {
	Type         AuthType `json:"type"`
	Username     string   `json:"username,omitempty"`
	Password     string   `json:"password,omitempty"`
	Token        string   `json:"token,omitempty"`
	TokenURL     string   `json:"token_url,omitempty"`
	ClientID     string   `json:"client_id,omitempty"`
	ClientSecret string   `json:"client_secret,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
}

// TLS holds certificates in PEM: a client certificate with its key, and
// authorities to trust besides the system's.
type TLS struct {
	ClientCert string `json:"client_cert,omitempty"`
	ClientKey  string `json:"client_key,omitempty"`
	CA         string `json:"ca,omitempty"`
}

// Duration is a [time.Duration] that is text in JSON, such as "1h30m".
type Duration time.Duration

// String formats d like [time.Duration].
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by [time.ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
