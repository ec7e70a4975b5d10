package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

type tenantRow struct {
	Name             string              `gorm:"column:name;primaryKey"`
	DeliveryMode     models.DeliveryMode `gorm:"column:delivery_mode"`
	MaxSubscriptions int                 `gorm:"column:max_subscriptions"`
	PublishRate      int                 `gorm:"column:publish_rate"`
	Retention        *time.Duration      `gorm:"column:retention"`
	PayloadRetention *time.Duration      `gorm:"column:payload_retention"`
	UpdatedAt        time.Time           `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName is for GORM.
func (tenantRow) TableName() string { return "tenants" }

func (r *tenantRow) model() *models.Tenant {
	t := models.Tenant(*r)
	t.UpdatedAt = t.UpdatedAt.UTC()
	return &t
}

// Tenant returns the settings of the tenant, which are the defaults if it has none.
func (s *Store) Tenant(ctx context.Context, name string) (*models.Tenant, error) {
	tenant, err := readTenant(s.read.WithContext(ctx), name)
	return tenant, translate("read tenant", err)
}

func readTenant(q *gorm.DB, name string) (*models.Tenant, error) {
	var row tenantRow
	switch err := q.Where("name = ?", name).Take(&row).Error; {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return &models.Tenant{Name: name}, nil
	case err != nil:
		return nil, err
	}
	return row.model(), nil
}

// RememberedTenant is Tenant with settings that may be rememberTenants old.
func (s *Store) RememberedTenant(ctx context.Context, name string) (*models.Tenant, error) {
	if known, ok := s.memory.tenants.Get(name); ok {
		return known, nil
	}
	tenant, err := s.Tenant(ctx, name)
	if err == nil {
		s.memory.tenants.Add(name, tenant)
	}
	return tenant, err
}

// UpdateTenant changes the settings, the defaults if there are none, and stores the audit entries about that. The change must leave
// them valid; its error is returned. Changes of the same tenant come one after the other.
func (s *Store) UpdateTenant(ctx context.Context, name string, change func(*models.Tenant) error, audit ...models.AuditEntry) error {
	err := s.inTransaction(ctx, "store tenant", func(tx *gorm.DB) error {
		progress, err := lockProgress(tx, name)
		if err != nil {
			return err
		}
		tenant, err := readTenant(tx, name)
		if err != nil {
			return err
		}
		if err := change(tenant); err != nil {
			return err
		}
		if err := decide(tx, tenant, progress); err != nil {
			return err
		}
		if err := saveTenant(tx, tenant); err != nil {
			return err
		}
		return addAudits(tx, name, name, audit)
	})
	s.memory.tenants.Remove(name)
	return err
}

func saveTenant(tx *gorm.DB, tenant *models.Tenant) error {
	row := tenantRow(*tenant)
	row.UpdatedAt = now()
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
}

// TenantModes returns the delivery modes of the tenants that have one of their own.
func (s *Store) TenantModes(ctx context.Context) (map[string]models.DeliveryMode, error) {
	var rows []tenantRow
	err := s.read.WithContext(ctx).Select("name", "delivery_mode").Where("delivery_mode <> ''").Find(&rows).Error
	modes := make(map[string]models.DeliveryMode, len(rows))
	for _, row := range rows {
		modes[row.Name] = row.DeliveryMode
	}
	return modes, translate("list delivery modes", err)
}

// Tenants returns up to limit tenants above after, by name, that have settings, or have had a subscription or an event that is
// still stored. Its cost depends on their number, and on what there is of them up to models.CountLimit.
func (s *Store) Tenants(ctx context.Context, after string, limit int) ([]*models.TenantStanding, error) {
	q := s.read.WithContext(ctx)
	names, err := tenantNames(q, after, limit)
	if err != nil {
		return nil, translate("list tenants", err)
	}
	found := make([]*models.TenantStanding, len(names))
	for i, name := range names {
		if found[i], err = standing(q, name); err != nil {
			return nil, translate("list tenants", err)
		}
	}
	return found, nil
}

// TenantStanding returns the tenant with how much there is of it.
func (s *Store) TenantStanding(ctx context.Context, name string) (*models.TenantStanding, error) {
	found, err := standing(s.read.WithContext(ctx), name)
	return found, translate("read tenant", err)
}

// tenantNames walks the indexes by a step for each tenant.
func tenantNames(q *gorm.DB, after string, limit int) ([]string, error) {
	var all []string
	for _, from := range []struct{ table, column string }{{"events", "tenant"}, {"subscriptions", "tenant"}, {"tenants", "name"}} {
		query := `WITH RECURSIVE seen (name) AS (
				SELECT min(` + from.column + `) FROM ` + from.table + ` WHERE ` + from.column + ` > ?
				UNION ALL
				SELECT (SELECT min(` + from.column + `) FROM ` + from.table + ` WHERE ` + from.column + ` > seen.name)
				FROM seen WHERE name IS NOT NULL
			)
			SELECT name FROM seen WHERE name IS NOT NULL LIMIT ?`
		var names []string
		if err := q.Raw(query, after, limit).Scan(&names).Error; err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), limit)], nil
}

func standing(q *gorm.DB, name string) (*models.TenantStanding, error) {
	tenant, err := readTenant(q, name)
	if err != nil {
		return nil, err
	}
	is := &models.TenantStanding{Tenant: *tenant}
	for _, of := range []struct {
		count *int
		where *gorm.DB
	}{
		{&is.Subscriptions, q.Model(&subscriptionRow{}).Where("tenant = ?", name)},
		{&is.Events, q.Model(&eventRow{}).Where("tenant = ?", name)},
		{&is.Outstanding, q.Model(&deliveryRow{}).Where("tenant = ? AND status IN ?", name, models.ActStop.From())},
	} {
		var count int64
		if err := q.Table("(?) AS counted", of.where.Select("1").Limit(models.CountLimit)).Count(&count).Error; err != nil {
			return nil, err
		}
		*of.count = int(count)
	}
	return is, nil
}

// mayHaveAnother fails with CodeConflict if the tenant has as many subscriptions as it may have. It locks the tenant's
// settings until the end of the transaction, so that two subscriptions cannot take the last place.
func mayHaveAnother(tx *gorm.DB, name string) error {
	tenant, err := readTenant(tx.Clauses(forUpdate), name)
	if err != nil || tenant.MaxSubscriptions == 0 {
		return err
	}
	var count int64
	if err := tx.Model(&subscriptionRow{}).Where("tenant = ?", name).Count(&count).Error; err != nil {
		return err
	}
	if int(count) >= tenant.MaxSubscriptions {
		return models.Errorf(models.CodeConflict, "the tenant %s has %d subscriptions, and may have no more", name, count)
	}
	return nil
}
