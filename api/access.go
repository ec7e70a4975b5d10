package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// access says who may call a route.
type access struct {
	scope   models.Scope // which the caller's key must hold
	noKey   bool         // everybody may call it
	signed  bool         // the handler verifies a signature
	allOnly bool         // the answer is about all tenants: the key of one tenant does not open it
}

// public routes are for everybody: probes carry no key.
var public = access{noKey: true}

// signed routes ask for no key: the handler verifies a signature. Providers have no key of ours, and they do not call
// localhost, where no key is asked for, but a tunnel that leads here; a page in a browser could sign nothing.
var signed = access{noKey: true, signed: true}

// needs is the access of those who hold the scope.
func needs(scope models.Scope) access { return access{scope: scope} }

// needsForAll is needs for an answer about all tenants.
func needsForAll(scope models.Scope) access { return access{scope: scope, allOnly: true} }

// principal is the caller of a route that needs a scope.
type principal struct {
	key    string         // id of the key; models.RootKey; empty: none was asked for
	name   string         // of the key, for the audit
	tenant string         // the only one that the caller sees; empty: all
	scopes []models.Scope // held; nil: every one
}

func (p *principal) holds(scope models.Scope) bool {
	return p.scopes == nil || slices.Contains(p.scopes, scope)
}

// sees reports whether a thing of the tenant exists for the caller.
func (p *principal) sees(tenant string) bool { return p.tenant == "" || p.tenant == tenant }

const principalKey = "principal"

// who is the caller of a route that needs a scope. Elsewhere it is nobody, who holds nothing.
func who(c *gin.Context) *principal {
	if p, ok := c.Value(principalKey).(*principal); ok {
		return p
	}
	return &principal{scopes: []models.Scope{}}
}

// KeyStore finds the keys that callers show, and keeps them; see [Store].
type KeyStore interface {
	CreateAPIKey(ctx context.Context, key *models.APIKey, audit ...models.AuditEntry) error
	APIKey(ctx context.Context, id string) (*models.APIKey, error)
	APIKeys(ctx context.Context, filter models.APIKeyFilter) ([]*models.APIKey, error)
	RevokeAPIKey(ctx context.Context, id string, audit ...models.AuditEntry) error
	// FindAPIKey returns the key with the hash as of now, or nil. It must be cheap for wrong keys, however many come.
	FindAPIKey(ctx context.Context, hash string) (*models.APIKey, error)
	// UseAPIKey notes that the key was used, unless that is noted for a time after unlessAfter.
	UseAPIKey(ctx context.Context, id string, at, unlessAfter time.Time) error
}

// requireScope lets those pass who hold the scope of the route. It is the only place where a request gets its principal.
func (s *server) requireScope(a access) gin.HandlerFunc {
	root := sha256.Sum256([]byte(s.APIKey))
	return func(c *gin.Context) {
		caller, err := s.principal(c, root)
		if err == nil {
			err = caller.mayCall(a)
		}
		if err != nil {
			if models.ErrorCode(err) == models.CodeUnauthorized {
				c.Header("WWW-Authenticate", "Bearer")
			}
			fail(c, err)
			return
		}
		c.Set(principalKey, caller)
	}
}

func (p *principal) mayCall(a access) error {
	switch {
	case !p.holds(a.scope):
		return models.Errorf(codeForbidden, "the API key does not hold the scope %s", a.scope)
	case a.allOnly && p.tenant != "":
		return models.Errorf(codeForbidden, "the API key is for one tenant, and the answer is about all of them")
	}
	return nil
}

// principal knows the caller by the key that the request shows. Where the configuration has no key, none is needed, but one
// that was made for a caller counts.
func (s *server) principal(c *gin.Context, root [sha256.Size]byte) (*principal, error) {
	scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	token = strings.TrimSpace(token)
	bearer := strings.EqualFold(scheme, "Bearer")
	switch {
	case bearer && s.APIKey != "" && isRoot(token, root):
		return &principal{key: models.RootKey, name: defaultActor}, nil
	case bearer && models.LooksLikeAPIKey(token):
		return s.holder(c, token)
	case s.APIKey == "":
		return &principal{name: defaultActor}, nil
	case !bearer:
		return nil, models.Errorf(models.CodeUnauthorized, "an API key is required: send the header Authorization: Bearer <key>")
	}
	return nil, errWrongKey
}

var errWrongKey = models.Errorf(models.CodeUnauthorized, "the API key is not valid")

// isRoot compares digests, so that neither the time taken nor the key's length tells anything about it.
func isRoot(token string, root [sha256.Size]byte) bool {
	got := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(got[:], root[:]) == 1
}

// usedEvery is how often the last use of a key is written.
const usedEvery = time.Minute

// holder is the holder of a key that was made for a caller. The store is asked each time, so that a key that is revoked opens
// nothing from then on, in every process.
func (s *server) holder(c *gin.Context, token string) (*principal, error) {
	ctx, now := c.Request.Context(), s.Now()
	key, err := s.Store.FindAPIKey(ctx, models.HashAPIKey(token))
	switch {
	case err != nil:
		return nil, err
	case key == nil || !key.Live(now):
		return nil, errWrongKey
	}
	if before := now.Add(-usedEvery); !key.LastUsedAt.After(before) {
		if err := s.Store.UseAPIKey(ctx, key.ID, now, before); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "api.key_use_not_noted", slog.String("key_id", key.ID), slog.Any("error", err))
		}
	}
	return &principal{key: key.ID, name: key.Name, tenant: key.Tenant, scopes: key.Scopes}, nil
}

// tenantOf returns the tenant that a thing gets which the caller creates: the given one, or the caller's own.
func (p *principal) tenantOf(given string) (string, error) {
	if p.tenant == "" || given == p.tenant {
		return given, nil
	}
	if given != "" {
		return "", errOtherTenant
	}
	return p.tenant, nil
}

var errOtherTenant = models.Invalid("tenant", "is not the tenant of the API key")
