package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// SourceStore keeps sources; see [Store].
type SourceStore interface {
	CreateSource(ctx context.Context, source *models.Source, audit ...models.AuditEntry) error
	Source(ctx context.Context, id string) (*models.Source, error)
	Sources(ctx context.Context, filter models.SourceFilter) ([]*models.Source, error)
	// UpdateSource stores the source as change leaves it, if that is valid, with a later UpdatedAt, and returns it. Change
	// must not use the store.
	UpdateSource(
		ctx context.Context, id string, change func(*models.Source) error, audit ...models.AuditEntry,
	) (*models.Source, error)
	DeleteSource(ctx context.Context, id string, audit ...models.AuditEntry) error
}

// createSource handles POST /v1/sources.
func (s *server) createSource(c *gin.Context) error {
	in, err := readSource(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditCreateSource)
	if err != nil {
		return err
	}
	if in.Tenant.value, err = who(c).tenantOf(in.Tenant.value); err != nil {
		return err
	}
	source, err := in.create(s.Now())
	if err != nil {
		return err
	}
	if err := s.Store.CreateSource(c.Request.Context(), source, entry); err != nil {
		return fmt.Errorf("create source: %w", err)
	}
	c.Header("Location", sourcePath(source.ID))
	return reply(c, http.StatusCreated, showSource(source))
}

// listSources handles GET /v1/sources.
func (s *server) listSources(c *gin.Context) error {
	q := readQuery(c)
	filter := models.SourceFilter{Tenant: q.tenant(), Page: q.page(models.SourcePrefix)}
	if q.err != nil {
		return q.err
	}
	found, err := s.Store.Sources(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("list sources: %w", err)
	}
	id := func(source *models.Source) string { return source.ID }
	return reply(c, http.StatusOK, newPage(found, filter.Page, id, showSource))
}

// getSource handles GET /v1/sources/{id}.
func (s *server) getSource(c *gin.Context) error {
	source, err := s.source(c)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, showSource(source))
}

// patchSource handles PATCH /v1/sources/{id}.
func (s *server) patchSource(c *gin.Context) error {
	source, err := s.source(c)
	if err != nil {
		return err
	}
	in, err := readSource(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditUpdateSource)
	if err != nil {
		return err
	}
	changed, err := s.Store.UpdateSource(c.Request.Context(), source.ID, in.patch, entry)
	if err != nil {
		return fmt.Errorf("update source: %w", err)
	}
	return reply(c, http.StatusOK, showSource(changed))
}

// deleteSource handles DELETE /v1/sources/{id}.
func (s *server) deleteSource(c *gin.Context) error {
	source, err := s.source(c)
	if err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditDeleteSource)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteSource(c.Request.Context(), source.ID, entry); err != nil {
		return fmt.Errorf("delete source: %w", err)
	}
	c.Status(http.StatusNoContent)
	return nil
}

// source finds the source that the path names.
func (s *server) source(c *gin.Context) (*models.Source, error) {
	return find(c, "source", models.SourcePrefix, s.Store.Source)
}

// showSource shows a source; of its credentials, only their number, ids and schemes.
func showSource(source *models.Source) client.Source {
	shown := client.Source{
		ID: source.ID, Tenant: source.Tenant, Name: source.Name, Provider: source.Provider, URL: source.URL(),
		Credentials: client.Credentials{Count: len(source.Credentials)}, PublicURL: source.PublicURL, Settings: source.Settings,
		Status: client.SourceStatus(source.Status), CreatedAt: stamp(source.CreatedAt), UpdatedAt: stamp(source.UpdatedAt),
		Links: client.Links{Self: sourcePath(source.ID)},
	}
	for _, credential := range source.Credentials {
		if credential.ID != "" {
			shown.Credentials.IDs = append(shown.Credentials.IDs, credential.ID)
		}
		if credential.Scheme != "" {
			shown.Credentials.Schemes = append(shown.Credentials.Schemes, credential.Scheme)
		}
	}
	return shown
}
