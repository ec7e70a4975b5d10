package store

import (
	"cmp"
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

type auditRow struct {
	ID      string             `gorm:"column:id;primaryKey"`
	At      time.Time          `gorm:"column:at"`
	Tenant  string             `gorm:"column:tenant"`
	Actor   string             `gorm:"column:actor"`
	Key     string             `gorm:"column:key_id"`
	Action  models.AuditAction `gorm:"column:action"`
	Subject string             `gorm:"column:subject"`
	Reason  string             `gorm:"column:reason"`
	Origin  *string            `gorm:"column:origin"` // nil: none
}

// TableName is for GORM.
func (auditRow) TableName() string { return "audit" }

func newAuditRow(e models.AuditEntry) *auditRow {
	row := &auditRow{
		ID: cmp.Or(e.ID, models.NewID(models.AuditPrefix)), At: e.At, Tenant: e.Tenant, Actor: cleanText(e.By),
		Key: e.Key, Action: e.Action, Subject: e.Subject, Reason: cleanText(e.Reason),
	}
	if row.At.IsZero() {
		row.At = now()
	}
	if e.Origin != "" {
		row.Origin = &e.Origin
	}
	return row
}

func (r *auditRow) model() *models.AuditEntry {
	e := &models.AuditEntry{
		ID: r.ID, At: r.At.UTC(), Tenant: r.Tenant, Action: r.Action, Subject: r.Subject,
		Why: models.Why{By: r.Actor, Key: r.Key, Reason: r.Reason},
	}
	if r.Origin != nil {
		e.Origin = *r.Origin
	}
	return e
}

// onOriginTaken leaves the first entry with an origin in place. Its target is the partial index of that name.
var onOriginTaken = clause.OnConflict{
	Columns:     []clause.Column{{Name: "origin"}},
	TargetWhere: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "origin IS NOT NULL"}}},
	DoNothing:   true,
}

// AddAudit adds the entry, with an id and the present time unless it has them. One whose Origin is there already is
// left out.
func (s *Store) AddAudit(ctx context.Context, entry models.AuditEntry) error {
	_, err := addAudit(s.write.WithContext(ctx), entry)
	return translate("add audit entry", err)
}

// Audit returns a page of the entries that the filter selects, newest first by id. Page.Limit is honoured up to
// models.MaxPageLimit+1.
func (s *Store) Audit(ctx context.Context, f models.AuditFilter) ([]*models.AuditEntry, error) {
	q := equal(s.read.WithContext(ctx), "tenant", f.Tenant)
	q = equal(q, "action", f.Action)
	q = equal(q, "subject", f.Subject)
	q = equal(q, "actor", f.By)
	q = equal(q, "key_id", f.Key)
	if !f.Since.IsZero() {
		q = q.Where("at >= ?", f.Since)
	}
	if !f.Until.IsZero() {
		q = q.Where("at < ?", f.Until)
	}
	return list(page(q, f.Page), "list audit", (*auditRow).model)
}

// addAudit reports whether the entry was added, and not left out for its Origin.
func addAudit(tx *gorm.DB, entry models.AuditEntry) (added bool, err error) {
	inserted := tx.Clauses(onOriginTaken).Create(newAuditRow(entry))
	return inserted.RowsAffected > 0, inserted.Error
}

// addAudits adds what was done to the subject, whose id and tenant the entries need not name.
func addAudits(tx *gorm.DB, tenant, subject string, entries []models.AuditEntry) error {
	for _, entry := range entries {
		entry.Tenant, entry.Subject = cmp.Or(entry.Tenant, tenant), cmp.Or(entry.Subject, subject)
		if _, err := addAudit(tx, entry); err != nil {
			return err
		}
	}
	return nil
}
