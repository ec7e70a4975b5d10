package receivers

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/posthaste/posthaste/webhook/internal/paste"
)

const redacted = "[redacted]"

// Credential is a value that the provider and you both know: usually the
// secret that it signs with. Make one with [Secrets] or [Keyed]. It prints as
// [redacted] everywhere and cannot be read back.
//
// The zero value is no credential; [New] refuses it. A Credential never
// changes.
type Credential struct {
	id     string
	scheme string
	text   func() string // a function, because fmt reaches unexported fields
}

// Secrets makes a credential of each text. While a secret is being replaced,
// give the new one and the old one.
func Secrets(texts ...string) []Credential {
	credentials := make([]Credential, len(texts))
	for i, text := range texts {
		credentials[i] = Keyed("", text)
	}
	return credentials
}

// Keyed makes a credential for the requests that name it by id, as Pusher's
// do; see [Scheme.KeyID]. With other schemes the id has no effect.
func Keyed(id, text string) Credential {
	return Credential{id: id, text: func() string { return text }}
}

// For returns the credential, tied to the schemes of that name and to no
// others; see [Scheme.Name]. "", as in a new credential, ties it to the schemes
// without a name.
func (c Credential) For(scheme string) Credential {
	c.scheme = scheme
	return c
}

// Format prints [redacted] for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns [redacted], for log/slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue(redacted) }

// CredentialError says which credential [New] refuses, and why. It wraps
// [ErrBadCredential], and holds nothing of the credential's text.
type CredentialError struct {
	// Index counts from zero, in the order of the credentials given to New.
	Index int

	// Reason is a predicate, such as "is in quotation marks; leave them out".
	Reason string
}

func (e *CredentialError) Error() string {
	return fmt.Sprintf("%v: number %d %s", ErrBadCredential, e.Index+1, e.Reason)
}

// Unwrap returns [ErrBadCredential].
func (e *CredentialError) Unwrap() error { return ErrBadCredential }

// key is a credential that a scheme can use. Its bytes are behind a function
// for the same reason.
type key struct {
	id   string
	bits func() []byte
}

// keysOf returns the keys of the credentials that the scheme can use.
func keysOf(s Scheme, credentials []Credential) []key {
	var keys []key
	for _, c := range credentials {
		if bits, err := keyOf(s, c); err == nil {
			keys = append(keys, key{id: c.id, bits: func() []byte { return bits }})
		}
	}
	return keys
}

// keyOf returns the key that the scheme makes of a credential, or an error that
// says in a predicate why the scheme cannot use it.
func keyOf(s Scheme, c Credential) ([]byte, error) {
	switch {
	case c.scheme != s.Name:
		return nil, errors.New("is for schemes of another name")
	case c.text == nil || c.text() == "":
		return nil, errors.New("is empty")
	case s.Prefix != "" && hasFoldedPrefix(c.text(), s.Prefix):
		return nil, fmt.Errorf("begins with %q, which is not part of it", s.Prefix)
	}
	return keyKinds[s.Key].make(s.Alg, c.text())
}

func hasFoldedPrefix(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// usable refuses credentials that no scheme can use: an operator who sets one
// expects that it has an effect.
func (p *provider) usable(credentials []Credential) error {
	for i, c := range credentials {
		if why := p.unusable(c); why != "" {
			return &CredentialError{Index: i, Reason: why}
		}
	}
	switch {
	case p.proving() || p.keeps():
		return nil
	case len(credentials) == 0:
		return fmt.Errorf("%w: none given", ErrBadCredential)
	}
	return fmt.Errorf("%w: all are for challenges, and none proves a webhook", ErrBadCredential)
}

// unusable says why no scheme can use a credential; "" if one can.
func (p *provider) unusable(c Credential) string {
	named := slices.DeleteFunc(slices.Clone(p.auth), func(s scheme) bool { return s.Name != c.scheme })
	if len(named) == 0 && c.scheme == "" {
		return "needs the name of a scheme: " + p.schemeNames()
	}
	if len(named) == 0 {
		return fmt.Sprintf("is for a scheme %.40q, and %s has %s", c.scheme, p.Name, p.schemeNames())
	}
	if c.text != nil {
		if flaw := paste.Flaw(c.text()); flaw != "" {
			return flaw
		}
	}
	var reasons []string
	for _, s := range named {
		_, err := keyOf(s.Scheme, c)
		if err == nil && p.undecided(c) {
			return "is hexadecimal, which can be either: write whsec_ before the base64 of a secret, or whpk_ before that of a public key"
		}
		if err == nil {
			return ""
		}
		if !slices.Contains(reasons, err.Error()) {
			reasons = append(reasons, err.Error())
		}
	}
	return strings.Join(reasons, ", and ")
}

// undecided reports whether a credential could be a secret as well as a public
// key, which must never serve as a secret.
func (p *provider) undecided(c Credential) bool {
	has := func(kind string) bool {
		return slices.ContainsFunc(p.auth, func(s scheme) bool { return s.Key == kind && s.Name == c.scheme })
	}
	return isHexKey(c.text()) && has("whsec") && has("whpk")
}

func (p *provider) schemeNames() string {
	var names []string
	for _, s := range p.auth {
		name := fmt.Sprintf("%q", s.Name)
		if s.Name == "" {
			name = "one without a name"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// proving reports whether there is a key that can prove a webhook.
func (p *provider) proving() bool {
	return slices.ContainsFunc(p.auth, func(s scheme) bool { return s.proves(false) && len(s.keys) > 0 })
}
