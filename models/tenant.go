package models

import (
	"slices"
	"time"
)

// Tenant holds the settings of a tenant. A tenant without settings has the zero value, with its name.
type Tenant struct {
	Name string
	// DeliveryMode is used for its events; empty: the deployment's.
	DeliveryMode DeliveryMode
	// MaxSubscriptions is how many subscriptions it may have, whatever their status; 0: any number.
	MaxSubscriptions int
	// PublishRate is how many events a second each process accepts for it; 0: any number.
	PublishRate int
	// Retention is for how long its events are kept, as Retention.Events says; nil: as long as the installation's.
	Retention *time.Duration
	// PayloadRetention is for how long its payloads are kept, as Retention.Payloads says; nil: as long as the installation's.
	PayloadRetention *time.Duration
	UpdatedAt        time.Time // zero: it has no settings
}

// Limits of the limits.
const (
	MostSubscriptions = 1_000_000
	MostPublishRate   = 1_000_000
)

// Owner is the tenant itself.
func (t *Tenant) Owner() string { return t.Name }

// Validate returns a CodeInvalid *Error that names the field at fault.
func (t *Tenant) Validate() error {
	if t.DeliveryMode != "" && !slices.Contains(DeliveryModes(), t.DeliveryMode) {
		return oneOf("delivery_mode", t.DeliveryMode, DeliveryModes()...)
	}
	if t.MaxSubscriptions < 0 || t.MaxSubscriptions > MostSubscriptions {
		return Invalid("max_subscriptions", "is not a number from 0 to %d", MostSubscriptions)
	}
	if t.PublishRate < 0 || t.PublishRate > MostPublishRate {
		return Invalid("publish_rate", "is not a number from 0 to %d", MostPublishRate)
	}
	return firstError(
		validateRetention("retention", t.Retention), validateRetention("payload_retention", t.PayloadRetention),
		t.validateRetentions(), ValidateTenant(t.Name),
	)
}

func validateRetention(field string, keep *time.Duration) error {
	if keep != nil && *keep != 0 && *keep < minRetention {
		return Invalid(field, "is neither 0s nor at least %s", minRetention)
	}
	return nil
}

func (t *Tenant) validateRetentions() error {
	if t.Retention != nil && t.PayloadRetention != nil && *t.Retention != 0 && *t.PayloadRetention > *t.Retention {
		return Invalid("payload_retention", "is longer than retention")
	}
	return nil
}

// Decides reports whether the tenant itself says when its data of an expiry end.
func (t *Tenant) Decides(e Expiry) bool {
	switch e {
	case ExpireEvents, ExpireRecoveries:
		return t.Retention != nil
	case ExpirePayloads:
		return t.Retention != nil || t.PayloadRetention != nil
	}
	return false
}

// CountLimit is how far the things of a tenant are counted.
const CountLimit = 10_000

// TenantStanding is a tenant with how much there is of it, each counted up to CountLimit.
type TenantStanding struct {
	Tenant
	Subscriptions int
	Events        int
	Outstanding   int // deliveries that are pending or held
}
