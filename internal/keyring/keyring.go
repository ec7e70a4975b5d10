package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

const keySize = 32 // AES-256

// idForm keeps ids short enough for the one byte that holds their length in a blob.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

var errNoKey = errors.New("keyring: there is no key; set the master key")

// Ring holds keys. A nil Ring has none: it neither seals nor opens, and says so. A Ring never changes and is safe for
// concurrent use.
type Ring struct {
	keys []key // the first seals
}

// MissingKeyError says that something was sealed under a key that is not in the ring.
type MissingKeyError struct{ ID string }

func (e *MissingKeyError) Error() string {
	return fmt.Sprintf("keyring: sealed under key %q, which is not in the master key", e.ID)
}

type key struct {
	id   string
	aead cipher.AEAD // draws its own random nonces
}

// New makes the spec of a ring with one random key, for Parse. The spec is secret.
func New() string {
	id, material := make([]byte, 4), make([]byte, keySize)
	_, _ = rand.Read(id) // crypto/rand does not fail: it ends the program instead
	_, _ = rand.Read(material)
	return "k" + hex.EncodeToString(id) + ":" + base64.StdEncoding.EncodeToString(material)
}

// Parse reads a spec of the form id:base64key[,id:base64key…] with keys of 32 bytes. The first key seals, all of them
// open. Errors name an entry by its place and never repeat any part of it, because a mistyped entry may be a bare key.
func Parse(spec string) (*Ring, error) {
	ring := &Ring{}
	for i, entry := range strings.Split(spec, ",") {
		k, err := parseKey(strings.TrimSpace(entry))
		if err == nil && ring.find(k.id) != nil {
			err = errors.New("has the id of an earlier key")
		}
		if err != nil {
			return nil, fmt.Errorf("keyring: key %d %w", i+1, err)
		}
		ring.keys = append(ring.keys, k)
	}
	return ring, nil
}

func parseKey(entry string) (key, error) {
	id, encoded, ok := strings.Cut(entry, ":")
	if !ok || !idForm.MatchString(id) {
		return key{}, errors.New("is not of the form id:base64key")
	}
	material, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(material) != keySize {
		return key{}, fmt.Errorf("is not %d bytes of base64", keySize)
	}
	block, err := aes.NewCipher(material)
	if err != nil {
		return key{}, errors.New("is not an AES key")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return key{id: id, aead: aead}, err
}

// Seal encrypts plain under the first key and binds it to the associated data. The blob is the length of the key's id
// in one byte, the id, the nonce, the ciphertext with its tag.
func (r *Ring) Seal(plain, associated []byte) ([]byte, error) {
	if r == nil || len(r.keys) == 0 {
		return nil, errNoKey
	}
	first := r.keys[0]
	blob := append([]byte{byte(len(first.id))}, first.id...) //nolint:gosec // G115: Parse refuses longer ids
	return first.aead.Seal(blob, nil, plain, associated), nil
}

// Open decrypts what Seal made with the same associated data. It fails when the ring lacks the key, and when the blob
// was changed, cut, or sealed with other associated data, which cannot be told apart.
func (r *Ring) Open(sealed, associated []byte) ([]byte, error) {
	if r == nil || len(r.keys) == 0 {
		return nil, errNoKey
	}
	id, ok := KeyID(sealed)
	if !ok {
		return nil, errors.New("keyring: the sealed data is cut short")
	}
	k := r.find(id)
	if k == nil {
		return nil, &MissingKeyError{ID: id}
	}
	plain, err := k.aead.Open(nil, nil, sealed[1+len(id):], associated)
	if err != nil {
		return nil, fmt.Errorf("keyring: the sealed data is damaged, or belongs elsewhere, or key %q has changed", k.id)
	}
	return plain, nil
}

// KeyID returns the id of the key that a blob says it was sealed under; not ok if the blob is cut short. It needs no
// key and proves nothing: only Open does.
func KeyID(sealed []byte) (id string, ok bool) {
	if len(sealed) == 0 || len(sealed) < 1+int(sealed[0]) {
		return "", false
	}
	return string(sealed[1 : 1+int(sealed[0])]), true
}

// SealedUnderFirst reports whether the blob says that it was sealed under the key that seals now.
func (r *Ring) SealedUnderFirst(sealed []byte) bool {
	id, ok := KeyID(sealed)
	return ok && r != nil && len(r.keys) > 0 && id == r.keys[0].id
}

// IDs returns the ids of the keys. The first key is the one that seals.
func (r *Ring) IDs() []string {
	if r == nil {
		return nil
	}
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

func (r *Ring) find(id string) *key {
	for i := range r.keys {
		if r.keys[i].id == id {
			return &r.keys[i]
		}
	}
	return nil
}

// String names the keys and shows none.
func (r Ring) String() string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id + ":redacted"
	}
	return "keyring(" + strings.Join(ids, ",") + ")"
}

// GoString is String: %#v would otherwise walk into the ciphers.
func (r Ring) GoString() string { return r.String() }

// LogValue is String.
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }
