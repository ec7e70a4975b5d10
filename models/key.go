package models

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Scope names what the holder of a key may do. The list only grows.
type Scope string

// The scopes.
const (
	ScopePublish            Scope = "publish"
	ScopeReadEvents         Scope = "events:read"        // events, deliveries, attempts and recoveries
	ScopeReadPayloads       Scope = "payloads:read"      // also the bodies and header values in these
	ScopeReadSubscriptions  Scope = "subscriptions:read" // and sources
	ScopeWriteSubscriptions Scope = "subscriptions:write"
	ScopeReadSecrets        Scope = "secrets:read"
	ScopeAct                Scope = "deliveries:act" // redeliver, cancel, pause, resume, recover
	ScopeWriteSources       Scope = "sources:write"
	ScopeReadStats          Scope = "stats:read"
	ScopeReadAudit          Scope = "audit:read"
	ScopeAdmin              Scope = "admin" // keys, tenants, workflows: whatever is about all tenants
)

// Scopes lists all of them.
func Scopes() []Scope {
	return []Scope{
		ScopePublish, ScopeReadEvents, ScopeReadPayloads, ScopeReadSubscriptions, ScopeWriteSubscriptions, ScopeReadSecrets,
		ScopeAct, ScopeWriteSources, ScopeReadStats, ScopeReadAudit, ScopeAdmin,
	}
}

// RootKey stands, where the id of a key is named, for the key of the configuration.
const RootKey = "root"

const (
	// keyMark begins every API key, so that people and scanners know one when they see it.
	keyMark  = "phk_"
	keyBytes = 32
	// shownKey is the number of characters of a key that are shown later, to tell keys apart.
	shownKey = len(keyMark) + 6
	maxName  = 100
)

// APIKey is a key for the API. The key itself is not kept, only its hash.
type APIKey struct {
	ID     string // key_…
	Name   string
	Hash   string // SHA-256 of the key, in hexadecimal
	Prefix string // the first characters of the key
	Scopes []Scope
	Tenant string // the only tenant that the key sees; empty: all
	Maker  Why    // who made it

	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	LastUsedAt time.Time // to a minute; zero: never
	RevokedAt  time.Time // zero: it is not
}

// NewAPIKey completes the key with an id and the time, and returns the key itself, which is not to be had again: 256 random
// bits, so that its hash needs neither salt nor stretching.
func NewAPIKey(from APIKey, now time.Time) (key *APIKey, secret string) {
	random := make([]byte, keyBytes)
	_, _ = rand.Read(random) // crypto/rand does not fail: it ends the program instead
	secret = keyMark + base64.RawURLEncoding.EncodeToString(random)
	from.ID, from.CreatedAt = NewID(APIKeyPrefix), now.UTC().Truncate(time.Microsecond)
	from.Hash, from.Prefix = HashAPIKey(secret), secret[:shownKey]
	return &from, secret
}

// HashAPIKey returns the hash under which a key is kept.
func HashAPIKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// LooksLikeAPIKey reports whether the text has the form of a key that NewAPIKey could have made.
func LooksLikeAPIKey(text string) bool {
	rest, ok := strings.CutPrefix(text, keyMark)
	if !ok {
		return false
	}
	random, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	return err == nil && len(random) == keyBytes
}

// Owner is the tenant that alone the key sees.
func (k *APIKey) Owner() string { return k.Tenant }

// Live reports whether the key opens anything at the time.
func (k *APIKey) Live(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Validate returns a CodeInvalid *Error that names the field at fault.
func (k *APIKey) Validate() error {
	if k.Name == "" {
		return Invalid("name", "is required")
	}
	if err := firstError(validateText("name", k.Name, maxName), k.validateScopes()); err != nil {
		return err
	}
	if !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(k.CreatedAt) {
		return Invalid("expires_at", "is past")
	}
	if k.Tenant == "" {
		return nil
	}
	return ValidateTenant(k.Tenant)
}

func (k *APIKey) validateScopes() error {
	if len(k.Scopes) == 0 {
		return Invalid("scopes", "is required; a key without scopes opens nothing")
	}
	for i, scope := range k.Scopes {
		switch {
		case !slices.Contains(Scopes(), scope):
			return Invalid("scopes", "%q is not one of: %s", Clip(string(scope), maxName), joinScopes(Scopes()))
		case slices.Contains(k.Scopes[:i], scope):
			return Invalid("scopes", "names %s twice", scope)
		case scope == ScopeAdmin && k.Tenant != "":
			return Invalid("scopes", "cannot have admin, which is about all tenants, in the key of one tenant")
		}
	}
	return nil
}

func joinScopes(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, scope := range scopes {
		words[i] = string(scope)
	}
	return strings.Join(words, ", ")
}

// APIKeyFilter selects keys for a list. The zero value selects all.
type APIKeyFilter struct {
	Tenant string
	Page   Page
}
