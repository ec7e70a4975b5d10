package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// keyInput is the JSON by which a caller makes a key.
type keyInput struct {
	Name      string         `json:"name"`
	Scopes    []models.Scope `json:"scopes"`
	Tenant    string         `json:"tenant"`
	ExpiresAt timestamp      `json:"expires_at"`
}

// createKey handles POST /v1/keys. Nobody can make a key that opens more than their own.
func (s *server) createKey(c *gin.Context) error {
	var in keyInput
	if err := readJSON(c, &in); err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditCreateKey)
	if err != nil {
		return err
	}
	key, secret := models.NewAPIKey(models.APIKey{
		Name: in.Name, Scopes: in.Scopes, Tenant: in.Tenant, ExpiresAt: time.Time(in.ExpiresAt), Maker: entry.Why,
	}, s.Now())
	if err := key.Validate(); err != nil {
		return err
	}
	lacks := func(scope models.Scope) bool { return !who(c).holds(scope) }
	if i := slices.IndexFunc(key.Scopes, lacks); i >= 0 {
		return models.Errorf(codeForbidden, "the API key does not hold the scope %s, and can give it to no other", key.Scopes[i])
	}
	if err := s.Store.CreateAPIKey(c.Request.Context(), key, entry); err != nil {
		return fmt.Errorf("create API key: %w", err)
	}
	c.Header("Location", keyPath(key.ID))
	shown := showKey(key)
	shown.Key = secret // this once
	return reply(c, http.StatusCreated, shown)
}

// listKeys handles GET /v1/keys.
func (s *server) listKeys(c *gin.Context) error {
	q := readQuery(c)
	filter := models.APIKeyFilter{Tenant: q.tenant(), Page: q.page(models.APIKeyPrefix)}
	if q.err != nil {
		return q.err
	}
	found, err := s.Store.APIKeys(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("list API keys: %w", err)
	}
	return reply(c, http.StatusOK, newPage(found, filter.Page, func(k *models.APIKey) string { return k.ID }, showKey))
}

// getKey handles GET /v1/keys/{id}.
func (s *server) getKey(c *gin.Context) error {
	key, err := s.key(c)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, showKey(key))
}

// revokeKey handles DELETE /v1/keys/{id}. The key stays in the list, because the audit names it.
func (s *server) revokeKey(c *gin.Context) error {
	key, err := s.key(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditRevokeKey)
	if err != nil {
		return err
	}
	if err := s.Store.RevokeAPIKey(c.Request.Context(), key.ID, entry); err != nil {
		return fmt.Errorf("revoke API key: %w", err)
	}
	c.Status(http.StatusNoContent)
	return nil
}

// key finds the key that the path names.
func (s *server) key(c *gin.Context) (*models.APIKey, error) {
	return find(c, "API key", models.APIKeyPrefix, s.Store.APIKey)
}

func showKey(k *models.APIKey) client.APIKey {
	shown := client.APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, Tenant: k.Tenant, CreatedBy: k.Maker.By, CreatedWith: k.Maker.Key,
		CreatedAt: stamp(k.CreatedAt), ExpiresAt: stamp(k.ExpiresAt), LastUsedAt: stamp(k.LastUsedAt), RevokedAt: stamp(k.RevokedAt),
		Links: client.Links{Self: keyPath(k.ID)},
	}
	for _, scope := range k.Scopes {
		shown.Scopes = append(shown.Scopes, client.Scope(scope))
	}
	return shown
}
