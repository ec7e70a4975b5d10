package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

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
	source, err := in.create(s.Now())
	if err != nil {
		return err
	}
	if err := s.Store.CreateSource(c.Request.Context(), source, entry); err != nil {
		return fmt.Errorf("create source: %w", err)
	}
	c.Header("Location", sourcePath(source.ID))
	return reply(c, http.StatusCreated, newSourceView(source))
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
	return reply(c, http.StatusOK, newPage(found, filter.Page, id, newSourceView))
}

// getSource handles GET /v1/sources/{id}.
func (s *server) getSource(c *gin.Context) error {
	source, err := s.source(c)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, newSourceView(source))
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
	return reply(c, http.StatusOK, newSourceView(changed))
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

// sourceView is a source; of its credentials it tells no more than how many there are, and which.
type sourceView struct {
	ID          string              `json:"id"`
	Tenant      string              `json:"tenant"`
	Name        string              `json:"name"`
	Provider    string              `json:"provider"`
	URL         string              `json:"url"` // to give to the provider; the path alone without a public URL
	Credentials credentialsView     `json:"credentials"`
	PublicURL   string              `json:"public_url,omitempty"`
	Settings    json.RawMessage     `json:"settings,omitempty"`
	Status      models.SourceStatus `json:"status"`
	CreatedAt   timestamp           `json:"created_at"`
	UpdatedAt   timestamp           `json:"updated_at"`
	Links       links               `json:"links"`
}

type credentialsView struct {
	Count   int      `json:"count"`
	IDs     []string `json:"ids,omitempty"`
	Schemes []string `json:"schemes,omitempty"`
}

func newSourceView(source *models.Source) sourceView {
	view := sourceView{
		ID: source.ID, Tenant: source.Tenant, Name: source.Name, Provider: source.Provider, URL: source.URL(),
		Credentials: credentialsView{Count: len(source.Credentials)}, PublicURL: source.PublicURL, Settings: source.Settings,
		Status: source.Status, CreatedAt: timestamp(source.CreatedAt), UpdatedAt: timestamp(source.UpdatedAt),
		Links: links{Self: sourcePath(source.ID)},
	}
	for _, credential := range source.Credentials {
		if credential.ID != "" {
			view.Credentials.IDs = append(view.Credentials.IDs, credential.ID)
		}
		if credential.Scheme != "" {
			view.Credentials.Schemes = append(view.Credentials.Schemes, credential.Scheme)
		}
	}
	return view
}
