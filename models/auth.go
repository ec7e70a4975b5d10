package models

import (
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Limits of the parts of an Auth, in bytes unless said otherwise.
const (
	MaxCredential = 4096 // each user name, password, token, client id and client secret
	MaxScopes     = 50   // entries
	MaxScope      = 256  // each
)

// AuthType names how requests prove to the receiver who sends them.
type AuthType string

// The ways. The empty type means none.
const (
	AuthNone   AuthType = "none"
	AuthBasic  AuthType = "basic"  // user name and password, RFC 7617
	AuthBearer AuthType = "bearer" // a fixed token, RFC 6750
	AuthOAuth2 AuthType = "oauth2" // a token fetched with client credentials, RFC 6749 §4.4
)

// Auth says which Authorization header requests carry, besides the signature, which is always there. The zero value sends
// none. It holds secrets: store it sealed; its JSON form has them, its String does not.
type Auth struct {
	Type AuthType `json:"type,omitempty"`

	Username string `json:"username,omitempty"` // basic; without a colon
	Password string `json:"password,omitempty"` // basic; may be empty

	Token string `json:"token,omitempty"` // bearer

	TokenURL     string   `json:"token_url,omitempty"` // oauth2; an http or https URL, judged like the receiver's own
	ClientID     string   `json:"client_id,omitempty"`
	ClientSecret string   `json:"client_secret,omitempty"`
	Scopes       []string `json:"scopes,omitempty"` // optional
}

// Enabled reports whether a sends anything.
func (a Auth) Enabled() bool { return a.Type != "" && a.Type != AuthNone }

// String names the type and none of the secrets, so that an Auth cannot leak through a log line.
func (a Auth) String() string {
	if !a.Enabled() {
		return "auth(none)"
	}
	return "auth(" + string(a.Type) + ")"
}

// GoString is String, for %#v.
func (a Auth) GoString() string { return a.String() }

// Validate returns a CodeInvalid *Error that names the first field which breaks a rule, such as auth.token_url. A field
// that the type does not use must be empty, so that a secret is never kept for nothing.
func (a Auth) Validate() error {
	if err := a.validateUnused(); err != nil {
		return err
	}
	switch a.Type {
	case AuthBasic:
		return a.validateBasic()
	case AuthBearer:
		return validateToken("auth.token", a.Token)
	case AuthOAuth2:
		return a.validateOAuth2()
	default:
		return oneOf("auth.type", a.Type, "", AuthNone, AuthBasic, AuthBearer, AuthOAuth2)
	}
}

func (a Auth) validateUnused() error {
	for _, field := range []struct {
		name string
		set  bool
		of   AuthType
	}{
		{"username", a.Username != "", AuthBasic},
		{"password", a.Password != "", AuthBasic},
		{"token", a.Token != "", AuthBearer},
		{"token_url", a.TokenURL != "", AuthOAuth2},
		{"client_id", a.ClientID != "", AuthOAuth2},
		{"client_secret", a.ClientSecret != "", AuthOAuth2},
		{"scopes", len(a.Scopes) > 0, AuthOAuth2},
	} {
		if field.set && a.Type != field.of {
			return Invalid("auth."+field.name, "is only for the type %s", field.of)
		}
	}
	return nil
}

func (a Auth) validateBasic() error {
	if strings.Contains(a.Username, ":") {
		return Invalid("auth.username", "must not hold a colon") // RFC 7617 §2: it ends the name
	}
	if a.Username == "" && a.Password == "" {
		return Invalid("auth.username", "is required")
	}
	return firstError(validateSecret("auth.username", a.Username), validateSecret("auth.password", a.Password))
}

func (a Auth) validateOAuth2() error {
	if a.ClientID == "" {
		return Invalid("auth.client_id", "is required")
	}
	if a.ClientSecret == "" {
		return Invalid("auth.client_secret", "is required")
	}
	return firstError(
		ValidateURL("auth.token_url", a.TokenURL),
		validateSecret("auth.client_id", a.ClientID),
		validateSecret("auth.client_secret", a.ClientSecret),
		validateScopes(a.Scopes),
	)
}

func validateScopes(scopes []string) error {
	if len(scopes) > MaxScopes {
		return Invalid("auth.scopes", "has %d entries; at most %d are allowed", len(scopes), MaxScopes)
	}
	for i, scope := range scopes {
		if scope == "" || len(scope) > MaxScope || strings.ContainsFunc(scope, notInScope) {
			return Invalid(index("auth.scopes", i), "must be 1 to %d printable ASCII characters other than space, quote and backslash", MaxScope)
		}
	}
	return nil
}

// notInScope is what RFC 6749 §3.3 keeps out of a scope.
func notInScope(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

// validateToken wants what stands behind "Bearer ": a header value without blanks.
func validateToken(field, token string) error {
	if token == "" {
		return Invalid(field, "is required")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Invalid(field, "must be printable ASCII without spaces")
	}
	return validateSecret(field, token)
}

// validateSecret never repeats the value.
func validateSecret(field, secret string) error {
	if len(secret) > MaxCredential {
		return Invalid(field, "is %d bytes long; at most %d are allowed", len(secret), MaxCredential)
	}
	if !httpguts.ValidHeaderFieldValue(secret) || slices.Contains([]byte(secret), '\t') {
		return Invalid(field, "holds a control character")
	}
	return validateText(field, secret, MaxCredential)
}
