package models

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// Prefixes of our ids. The rest of an id is a lower-case ULID, but for a source's, so ids sort by the time they were made.
const (
	EventPrefix        = "evt_"
	SubscriptionPrefix = "sub_"
	DeliveryPrefix     = "dlv_"
	RecoveryPrefix     = "rcv_"
	SourcePrefix       = "src_"
	AuditPrefix        = "aud_"
	APIKeyPrefix       = "key_"
	ErasurePrefix      = "ers_"
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

// ValidID reports whether id is one that NewID(prefix) could have made, or NewSourceID for SourcePrefix.
func ValidID(prefix, id string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok || rest != strings.ToLower(rest) {
		return false
	}
	if prefix == SourcePrefix {
		return isSourceText(rest)
	}
	_, err := ulid.ParseStrict(rest)
	return err == nil
}

// A source's id is the time in six bytes, good until the year 10889, and then 128 random bits.
const (
	sourceTime   = 6
	sourceRandom = 16
)

// sourceText is an encoding that keeps the order of the bytes.
var sourceText = base32.HexEncoding.WithPadding(base32.NoPadding)

// NewSourceID makes the id of a source. It stands in a public URL, and for a provider that signs nothing this URL is the
// secret: so it is no ULID, whose random part is shorter and only counts on within a millisecond.
func NewSourceID() string {
	made := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli()))[8-sourceTime:]
	id := append(made, make([]byte, sourceRandom)...)
	_, _ = rand.Read(id[sourceTime:]) // crypto/rand does not fail: it ends the program instead
	return SourcePrefix + encodeSource(id)
}

// ShortSourceID is the part of a source's id that may be logged: the part made of the time, by which it is found in a
// list, without the random part, which lets anyone post to the source.
func ShortSourceID(id string) string {
	return id[:min(len(id), len(SourcePrefix)+sourceTime*8/5)] + "…"
}

func encodeSource(id []byte) string { return strings.ToLower(sourceText.EncodeToString(id)) }

// isSourceText takes one spelling only: the last letter has bits to spare.
func isSourceText(text string) bool {
	id, err := sourceText.DecodeString(strings.ToUpper(text))
	return err == nil && len(id) == sourceTime+sourceRandom && encodeSource(id) == text
}
