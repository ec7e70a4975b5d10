package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

type apiKeyRow struct {
	ID         string         `gorm:"column:id;primaryKey"`
	Name       string         `gorm:"column:name"`
	Hash       string         `gorm:"column:hash"`
	Prefix     string         `gorm:"column:prefix"`
	Scopes     []models.Scope `gorm:"column:scopes;serializer:json"`
	Tenant     string         `gorm:"column:tenant"`
	MadeBy     string         `gorm:"column:made_by"`
	MadeWith   string         `gorm:"column:made_with"`
	CreatedAt  time.Time      `gorm:"column:created_at;autoCreateTime:false"`
	ExpiresAt  *time.Time     `gorm:"column:expires_at"`
	LastUsedAt *time.Time     `gorm:"column:last_used_at"`
	RevokedAt  *time.Time     `gorm:"column:revoked_at"`
}

// TableName is for GORM.
func (apiKeyRow) TableName() string { return "api_keys" }

func newAPIKeyRow(k *models.APIKey) *apiKeyRow {
	return &apiKeyRow{
		ID: k.ID, Name: k.Name, Hash: k.Hash, Prefix: k.Prefix, Scopes: k.Scopes, Tenant: k.Tenant,
		MadeBy: cleanText(k.Maker.By), MadeWith: k.Maker.Key, CreatedAt: k.CreatedAt, ExpiresAt: nullTime(k.ExpiresAt),
		LastUsedAt: nullTime(k.LastUsedAt), RevokedAt: nullTime(k.RevokedAt),
	}
}

func (r *apiKeyRow) model() *models.APIKey {
	return &models.APIKey{
		ID: r.ID, Name: r.Name, Hash: r.Hash, Prefix: r.Prefix, Scopes: r.Scopes, Tenant: r.Tenant,
		Maker: models.Why{By: r.MadeBy, Key: r.MadeWith}, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: fromNullTime(r.ExpiresAt),
		LastUsedAt: fromNullTime(r.LastUsedAt), RevokedAt: fromNullTime(r.RevokedAt),
	}
}

// CreateAPIKey stores the key, which must be valid, and the audit entries about that.
func (s *Store) CreateAPIKey(ctx context.Context, key *models.APIKey, audit ...models.AuditEntry) error {
	return s.inTransaction(ctx, "create API key", func(tx *gorm.DB) error {
		if err := tx.Create(newAPIKeyRow(key)).Error; err != nil {
			return err
		}
		return addAudits(tx, key.Tenant, key.ID, audit)
	})
}

// APIKey returns the key with the id, or a CodeNotFound error.
func (s *Store) APIKey(ctx context.Context, id string) (*models.APIKey, error) {
	row, err := take[apiKeyRow](s.read.WithContext(ctx), "API key", id)
	if err != nil {
		return nil, translate("read API key", err)
	}
	return row.model(), nil
}

// APIKeys returns a page of the keys that the filter selects, newest first by id, the revoked ones included. Page.Limit is
// honoured up to models.MaxPageLimit+1.
func (s *Store) APIKeys(ctx context.Context, f models.APIKeyFilter) ([]*models.APIKey, error) {
	q := equal(s.read.WithContext(ctx), "tenant", f.Tenant)
	return list(page(q, f.Page), "list API keys", (*apiKeyRow).model)
}

// RevokeAPIKey makes the key open nothing from now on, for whoever looks it up after the call. A key that is revoked stays as
// it is, and the audit entries are left out. An unknown key is a CodeNotFound error.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, audit ...models.AuditEntry) error {
	return s.inTransaction(ctx, "revoke API key", func(tx *gorm.DB) error {
		row, err := take[apiKeyRow](tx.Clauses(forUpdate), "API key", id)
		if err != nil || row.RevokedAt != nil {
			return err
		}
		if err := tx.Model(row).Update("revoked_at", now()).Error; err != nil {
			return err
		}
		return addAudits(tx, row.Tenant, id, audit)
	})
}

const (
	keyLookups = 64 // that share a query at most
	keyLanes   = 1  // such queries at a time, so that wrong keys, however many come, take little of the database
)

// FindAPIKey returns the key with the hash as of now: it has every change that any process committed before the call. Nil means
// that there is none. Calls that come at the same time share a query.
func (s *Store) FindAPIKey(ctx context.Context, hash string) (*models.APIKey, error) {
	key, err := s.apiKeys.get(ctx, hash)
	return key, translate("find API key", err)
}

func (s *Store) findAPIKeys(ctx context.Context, batch []*read[*models.APIKey]) error {
	var rows []*apiKeyRow
	if err := anyOf(s.read.WithContext(ctx), "hash", keysOf(batch)).Find(&rows).Error; err != nil {
		return err
	}
	byHash := make(map[string]*models.APIKey, len(rows))
	for _, row := range rows {
		byHash[row.Hash] = row.model()
	}
	for _, one := range batch {
		one.found = byHash[one.key]
	}
	return nil
}

// UseAPIKey notes that the key was used at the time, unless that is noted for a time after the given one.
func (s *Store) UseAPIKey(ctx context.Context, id string, at, unlessAfter time.Time) error {
	used := s.write.WithContext(ctx).Model(&apiKeyRow{}).
		Where("id = ? AND (last_used_at IS NULL OR last_used_at <= ?)", id, unlessAfter).Update("last_used_at", at)
	return translate("note the use of an API key", used.Error)
}
