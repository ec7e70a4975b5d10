package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

type sourceRow struct {
	ID          string              `gorm:"column:id;primaryKey"`
	Tenant      string              `gorm:"column:tenant"`
	Name        string              `gorm:"column:name"`
	Provider    string              `gorm:"column:provider"`
	Credentials []byte              `gorm:"column:credentials"` // sealed JSON
	PublicURL   string              `gorm:"column:public_url"`
	Settings    json.RawMessage     `gorm:"column:settings"` // NULL: none
	Status      models.SourceStatus `gorm:"column:status"`
	CreatedAt   time.Time           `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt   time.Time           `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName is for GORM.
func (sourceRow) TableName() string { return "sources" }

func (s *Store) newSourceRow(source *models.Source) (*sourceRow, error) {
	credentials, err := s.seal(source.Credentials, credentialsOf(source.ID))
	return &sourceRow{
		ID: source.ID, Tenant: source.Tenant, Name: source.Name, Provider: source.Provider, Credentials: credentials,
		PublicURL: source.PublicURL, Settings: source.Settings, Status: source.Status,
		CreatedAt: source.CreatedAt, UpdatedAt: source.UpdatedAt,
	}, err
}

func (s *Store) openSource(r *sourceRow) (*models.Source, error) {
	source := &models.Source{
		ID: r.ID, Tenant: r.Tenant, Name: r.Name, Provider: r.Provider,
		PublicURL: r.PublicURL, Settings: r.Settings, Status: r.Status,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	if err := s.unseal(r.Credentials, credentialsOf(r.ID), &source.Credentials); err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", models.ShortSourceID(r.ID), err)
	}
	return source, nil
}

// CreateSource stores the source, which must be valid, and the audit entries about that. A taken id is a CodeConflict
// error.
func (s *Store) CreateSource(ctx context.Context, source *models.Source, audit ...models.AuditEntry) error {
	row, err := s.newSourceRow(source)
	if err != nil {
		return translate("create source", err)
	}
	return s.inTransaction(ctx, "create source", func(tx *gorm.DB) error {
		if err := tx.Create(row).Error; err != nil {
			return err
		}
		return addAudits(tx, source.Tenant, source.ID, audit)
	})
}

// Source returns the source with the id, its credentials opened, or a CodeNotFound error.
func (s *Store) Source(ctx context.Context, id string) (*models.Source, error) {
	source, err := s.readSource(s.read.WithContext(ctx), id)
	return source, translate("read source", err)
}

func (s *Store) readSource(q *gorm.DB, id string) (*models.Source, error) {
	row, err := take[sourceRow](q, "source", id)
	if err != nil {
		return nil, err
	}
	return s.openSource(row)
}

// Sources returns a page of the sources that the filter selects, newest first by id, their credentials opened.
// Page.Limit is honoured up to models.MaxPageLimit+1.
func (s *Store) Sources(ctx context.Context, f models.SourceFilter) ([]*models.Source, error) {
	q := equal(s.read.WithContext(ctx), "tenant", f.Tenant)
	var rows []sourceRow
	if err := page(q, f.Page).Find(&rows).Error; err != nil {
		return nil, translate("list sources", err)
	}
	sources := make([]*models.Source, len(rows))
	for i := range rows {
		var err error
		if sources[i], err = s.openSource(&rows[i]); err != nil {
			return nil, translate("list sources", err)
		}
	}
	return sources, nil
}

// UpdateSource changes the source by calling change on it while its row is locked, validates and stores the result, and
// returns it. An error of change or of the validation is returned and nothing is stored. The id, the tenant, the
// provider and the creation time cannot be changed. Change must not use the store. The audit entries tell of it, in the
// same commit.
func (s *Store) UpdateSource(
	ctx context.Context, id string, change func(*models.Source) error, audit ...models.AuditEntry,
) (*models.Source, error) {
	var after *models.Source
	err := s.inTransaction(ctx, "update source", func(tx *gorm.DB) error {
		before, err := s.readSource(tx.Clauses(forUpdate), id)
		if err != nil {
			return err
		}
		if after, err = changeSource(before, change); err != nil {
			return err
		}
		row, err := s.newSourceRow(after)
		if err != nil {
			return err
		}
		if err := tx.Select("*").Updates(row).Error; err != nil { // "*": zero values, too
			return err
		}
		return addAudits(tx, after.Tenant, id, audit)
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// changeSource gives each change a time of its own, also where clocks differ: by it others see that there was one.
func changeSource(before *models.Source, change func(*models.Source) error) (*models.Source, error) {
	after := before.Clone()
	if err := change(after); err != nil {
		return nil, err
	}
	after.ID, after.Tenant, after.Provider, after.CreatedAt = before.ID, before.Tenant, before.Provider, before.CreatedAt
	after.UpdatedAt = now()
	if !after.UpdatedAt.After(before.UpdatedAt) {
		after.UpdatedAt = before.UpdatedAt.Add(time.Microsecond)
	}
	return after, after.Validate()
}

// DeleteSource removes the source, or returns a CodeNotFound error. The events that came from it stay. The audit entries
// are written in the same commit.
func (s *Store) DeleteSource(ctx context.Context, id string, audit ...models.AuditEntry) error {
	return s.inTransaction(ctx, "delete source", func(tx *gorm.DB) error {
		row, err := take[sourceRow](tx.Clauses(forUpdate).Select("id", "tenant"), "source", id)
		if err != nil {
			return err
		}
		if err := tx.Delete(row).Error; err != nil {
			return err
		}
		return addAudits(tx, row.Tenant, id, audit)
	})
}
