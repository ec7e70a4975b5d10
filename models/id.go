package models

import (
	"strings"

	"github.com/oklog/ulid/v2"
)

// Prefixes of our ids. The rest of an id is a lower-case ULID, so ids sort by the time they were made.
const (
	EventPrefix        = "evt_"
	SubscriptionPrefix = "sub_"
	DeliveryPrefix     = "dlv_"
	RecoveryPrefix     = "rcv_"
	AuditPrefix        = "aud_"
)

// NewID makes an id with the given prefix. Ids made one after the other in a process sort in that order, also within
// one millisecond. It is safe for concurrent use.
func NewID(prefix string) string {
	return prefix + strings.ToLower(ulid.Make().String())
}

// ValidID reports whether id is one that NewID(prefix) could have made.
func ValidID(prefix, id string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok || rest != strings.ToLower(rest) {
		return false
	}
	_, err := ulid.ParseStrict(rest)
	return err == nil
}
