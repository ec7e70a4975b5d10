// Package keyring seals secrets before they are stored and opens them again: AES-256-GCM under a key that has a name.
//
// A sealed blob carries the name of its key, so keys can be rotated: put a new key first in the ring and it seals from
// then on, while the others still open what they sealed before. What the caller names as associated data is not stored
// but must be the same at opening, so a blob moved to another row does not open there.
//
// The package promises that no error, log line or formatted value of it ever shows key material. It uses the standard
// library alone. internal/store seals with it; cmd makes and parses keys.
package keyring
