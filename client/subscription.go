package client

import (
	"encoding/json"
	"time"
)

// Subscription says who wants which events, as the server shows it. Header
// values and credentials come as "[redacted]"; sent back, they stay as they are.
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

	// ForwardHeaders are patterns of the headers that go on from the webhook
	// that an event came with: a name, X-Shopify-* or *, which is the default.
	ForwardHeaders []string `json:"forward_headers"`

	Auth      *Auth     `json:"auth,omitempty"`
	TLS       *TLS      `json:"tls,omitempty"`
	Signature Signature `json:"signature"`
	Payload   Payload   `json:"payload"`

	// Timeout is of a whole attempt.
	Timeout Duration `json:"timeout"`

	// RetrySchedule is the one in force, the default included.
	RetrySchedule []Duration `json:"retry_schedule"`

	// DisabledReason says why, when the server disabled it.
	Status         SubscriptionStatus `json:"status"`
	DisabledReason string             `json:"disabled_reason,omitempty"`

	// SignWith says which secrets sign while the ones before the newest are in
	// the grace of a rotation: all where the signature has room for several,
	// else previous or new. It is empty when no grace is running.
	// PreviousExpiresAt is when each of the ones before the newest ends.
	SignWith          string      `json:"sign_with,omitempty"`
	PreviousExpiresAt []time.Time `json:"previous_expires_at,omitempty"`

	// ResumeRate is how many held deliveries go in a second after a pause,
	// while some are held; otherwise 0.
	ResumeRate int `json:"resume_rate,omitempty"`

	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
	Links     map[string]string `json:"links"`

	// Secret is what signs, and PublicKey what verifies where the signature is
	// [SignatureEd25519], whose private key stays with the server. Only the answer
	// of CreateSubscription has them; [Client.Secret] and [Client.PublicKeys] ask
	// for them.
	Secret    string `json:"secret,omitempty"`
	PublicKey string `json:"public_key,omitempty"`
}

func (s Subscription) identity() string { return s.ID }

// SubscriptionFields is what can be said of a subscription, to create or to
// change it. What is left at its zero value gets its default, or stays as it
// is; an empty map that is not nil empties.
type SubscriptionFields struct {
	// Tenant and Secret can only be said when creating.
	Tenant string `json:"tenant,omitempty"`
	Secret string `json:"secret,omitempty"`

	// SignWith can only be said of a change while the grace of a rotation is
	// running, see [Rotation].
	SignWith string `json:"sign_with,omitempty"`

	Name       *string                    `json:"name,omitempty"`
	URL        string                     `json:"url,omitempty"` // required to create
	EventTypes []string                   `json:"event_types,omitempty"`
	Headers    map[string]string          `json:"headers,omitzero"`
	Properties map[string]json.RawMessage `json:"properties,omitzero"`

	// ForwardHeaders that is empty but not nil forwards none.
	ForwardHeaders []string `json:"forward_headers,omitzero"`

	Auth          *Auth              `json:"auth,omitempty"`
	TLS           *TLS               `json:"tls,omitempty"`
	Signature     Signature          `json:"signature,omitempty"`
	Payload       Payload            `json:"payload,omitempty"`
	Timeout       Duration           `json:"timeout,omitempty"`
	RetrySchedule []Duration         `json:"retry_schedule,omitempty"`
	Status        SubscriptionStatus `json:"status,omitempty"`
}

// Auth is how requests prove to the receiver who sends them. Type says which of
// the other fields count.
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

// TLS is certificates in PEM beyond what every machine trusts: a certificate of
// the client's with its key, and authorities.
type TLS struct {
	ClientCert string `json:"client_cert,omitempty"`
	ClientKey  string `json:"client_key,omitempty"`
	CA         string `json:"ca,omitempty"`
}

// Duration is a [time.Duration] that is text in JSON, such as "1h30m".
type Duration time.Duration

// String is as of [time.Duration].
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by [time.ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
