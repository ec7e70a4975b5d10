package models

import (
	"crypto/rand"
	"strings"
	"sync"

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
	return prefix + strings.ToLower(ids.next().String())
}

// ids makes this process's ids.
var ids = idMaker{entropy: ulid.Monotonic(rand.Reader, 0)}

// idMaker reads the clock and makes the id under one lock: between the two, somebody else's id of another millisecond
// would break the order. A clock that is set back does not, either.
type idMaker struct {
	mu      sync.Mutex
	ms      uint64
	entropy *ulid.MonotonicEntropy
}

func (m *idMaker) next() ulid.ULID {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ms = max(m.ms, ulid.Now())
	return ulid.MustNew(m.ms, m.entropy) // panics when the system has no random numbers
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
