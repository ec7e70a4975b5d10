package models

import "time"

// RecoveryOf says which deliveries a recovery redelivers.
type RecoveryOf string

// What can be recovered.
const (
	RecoverExhausted RecoveryOf = "exhausted" // the default
	RecoverCancelled RecoveryOf = "cancelled"
	RecoverDelivered RecoveryOf = "delivered"
	// RecoverMissing delivers the events that made no delivery for the subscription because it was not there yet.
	RecoverMissing RecoveryOf = "missing"
)

// RecoveryOfs lists all of them, the default first.
func RecoveryOfs() []RecoveryOf {
	return []RecoveryOf{RecoverExhausted, RecoverCancelled, RecoverDelivered, RecoverMissing}
}

// RecoveryStatus says how a recovery stands.
type RecoveryStatus string

// The statuses of a recovery.
const (
	RecoveryRunning   RecoveryStatus = "running"
	RecoveryCompleted RecoveryStatus = "completed"
	RecoveryCancelled RecoveryStatus = "cancelled"
)

// Recovery redelivers many deliveries of one subscription, oldest first, as a durable job.
type Recovery struct {
	ID             string
	Tenant         string
	SubscriptionID string
	Of             RecoveryOf
	Since          time.Time // created at or after
	Until          time.Time // created before
	Rate           int       // deliveries a second
	Why
	Status     RecoveryStatus
	Total      int // how many there were to redeliver when it was asked for
	Progress   Progress
	CreatedAt  time.Time
	UpdatedAt  time.Time
	FinishedAt time.Time // zero while running
	Epoch      int64     // the tenant's when it was asked for, see Job; set by who stores it
}

// Progress is how far a bulk action has come.
type Progress struct {
	After   string `json:"after,omitempty"`   // the last id looked at
	Done    int    `json:"done,omitempty"`    // told to go, or to stop
	Skipped int    `json:"skipped,omitempty"` // in a state by then that does not allow it
}

// NewRecovery gives r its id, its times and its defaults. Until stays within the past, so that a recovery ends. Call it
// once, before Validate.
func NewRecovery(r Recovery, now time.Time) *Recovery {
	r.ID = NewID(RecoveryPrefix)
	r.CreatedAt = now.UTC().Truncate(time.Millisecond)
	r.UpdatedAt = r.CreatedAt
	r.Status = RecoveryRunning
	setDefault(&r.Of, RecoverExhausted)
	setDefault(&r.Rate, DefaultRate)
	if r.Until.IsZero() || r.Until.After(r.CreatedAt) {
		r.Until = r.CreatedAt
	}
	return &r
}

// Validate returns a CodeInvalid *Error that names the first field which breaks a rule.
func (r *Recovery) Validate() error {
	if r.Since.IsZero() {
		return Invalid("since", "is required")
	}
	if !r.Since.Before(r.Until) {
		return Invalid("since", "must be before until, and in the past")
	}
	return firstError(
		oneOf("status", r.Of, RecoveryOfs()...),
		ValidateRate(r.Rate),
		r.Why.Validate(),
	)
}

// RecoveryFilter selects recoveries for a list. The zero value selects all.
type RecoveryFilter struct {
	Tenant         string
	SubscriptionID string
	Status         RecoveryStatus
	Page           Page
}

// Owner is the tenant.
func (r *Recovery) Owner() string { return r.Tenant }
