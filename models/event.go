package models

import (
	"crypto/sha256"
	"encoding/json"
	"iter"
	"time"
)

// DefaultTenant owns what is created without naming a tenant.
const DefaultTenant = "default"

// Limits of an event's parts, in bytes unless said otherwise.
const (
	MaxTenant         = 128
	MaxEventType      = 255 // the limit of a Temporal search attribute on SQL
	MaxIdempotencyKey = 255
	MaxMetadata       = 50 // entries
	MaxMetadataKey    = 128
	MaxMetadataValue  = 1024
)

// EventStatus says how far an event is on its road.
type EventStatus string

// The statuses of an event. There is no way back.
const (
	EventAccepted EventStatus = "accepted" // stored, its deliveries are not planned yet
	EventPlanned  EventStatus = "planned"  // every delivery it needs is stored
)

// Event is something that happened. It never changes but for its Status, its PlannedBy and its Deliveries.
type Event struct {
	ID             string
	Tenant         string
	Type           string            // dotted, such as order.paid
	Data           []byte            // the JSON value as the publisher wrote it, byte for byte; empty: removed at the end of its retention
	Metadata       map[string]string // the publisher's notes; not sent to subscribers
	IdempotencyKey string            // empty: none
	Received       *Received         // the request that it came with; nil: it was published
	Traceparent    string            // the trace that it belongs to, in the form of the header of that name; empty: none
	Status         EventStatus
	PlannedBy      string    // id of the workflow that planned it together with others; empty: its own, or it is not planned
	Deliveries     int       // how many it has; 0 until it is planned, and after that when no subscription matched
	CreatedAt      time.Time // UTC, whole milliseconds
}

// NewEvent gives e its id, its time and its defaults. Call it once, before Validate.
func NewEvent(e Event, now time.Time) *Event {
	e.ID = NewID(EventPrefix)
	e.Status = EventAccepted
	e.CreatedAt = now.UTC().Truncate(time.Millisecond)
	if e.Tenant == "" {
		e.Tenant = DefaultTenant
	}
	return &e
}

// Validate returns a CodeInvalid *Error that names the first field which breaks a rule.
func (e *Event) Validate() error {
	return firstError(
		ValidateTenant(e.Tenant),
		ValidateEventType("type", e.Type),
		validateData(e.Data),
		ValidateIdempotencyKey(e.IdempotencyKey),
		validateMetadata(e.Metadata),
	)
}

// ValidateIdempotencyKey returns a CodeInvalid *Error for what no event has as its key. Empty, for none, is valid.
func ValidateIdempotencyKey(key string) error {
	return validateText("idempotency_key", key, MaxIdempotencyKey)
}

// Fingerprint is a digest of the event's type, data and metadata. Two publications with one idempotency
// key are the same event when their fingerprints are equal; white space in the data does not count.
func (e *Event) Fingerprint() []byte {
	metadata, _ := json.Marshal(e.Metadata) // a map of strings always marshals, its keys sorted
	if len(e.Metadata) == 0 {
		metadata = nil
	}
	sum := sha256.New()
	for _, digest := range [][sha256.Size]byte{sha256.Sum256([]byte(e.Type)), compactDigest(e.Data), sha256.Sum256(metadata)} {
		sum.Write(digest[:])
	}
	return sum.Sum(nil)
}

// compactDigest is the digest of what json.Compact makes of JSON, without the copy; of what is not JSON, its own.
func compactDigest(data []byte) [sha256.Size]byte {
	if !json.Valid(data) {
		return sha256.Sum256(data)
	}
	digest := sha256.New()
	for part := range compact(data) {
		digest.Write(part)
	}
	return [sha256.Size]byte(digest.Sum(nil))
}

// compactSize is how long JSON is without its white space.
func compactSize(data []byte) (size int) {
	for part := range compact(data) {
		size += len(part)
	}
	return size
}

// compact goes through the parts of JSON between white space that says nothing.
func compact(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		begin, quoted := 0, false
		for i := 0; i < len(data); i++ {
			switch b := data[i]; {
			case b == '"':
				quoted = !quoted
			case quoted && b == '\\':
				i++
			case !quoted && (b == ' ' || b == '\t' || b == '\n' || b == '\r'):
				if !yield(data[begin:i]) {
					return
				}
				begin = i + 1
			}
		}
		yield(data[begin:])
	}
}

// Created is what storing one event of a batch came to.
type Created struct {
	Event     *Event // the stored event: with Duplicate the one stored first; nil with Err
	Duplicate bool   // an equal event with this idempotency key was stored before
	Err       error  // why this event was not stored, the rest of the batch notwithstanding
}

// EventFilter selects events for a list. The zero value selects all.
type EventFilter struct {
	Tenant         string
	Type           string    // exact
	IdempotencyKey string    // exact; only together with Tenant, in which it is unique
	Since          time.Time // inclusive
	Until          time.Time // exclusive
	Page           Page
}

// Owner is the tenant.
func (e *Event) Owner() string { return e.Tenant }
