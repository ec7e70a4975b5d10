package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

type erasureRow struct {
	ID         string     `gorm:"column:id;primaryKey"`
	Tenant     string     `gorm:"column:tenant"`
	EventID    string     `gorm:"column:event_id"`
	Epoch      int64      `gorm:"column:epoch"`
	Actor      string     `gorm:"column:actor"`
	Key        string     `gorm:"column:key_id"`
	Reason     string     `gorm:"column:reason"`
	CreatedAt  time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	FinishedAt *time.Time `gorm:"column:finished_at"`
	Events     int        `gorm:"column:events"`
	Deliveries int        `gorm:"column:deliveries"`
	Attempts   int        `gorm:"column:attempts"`
	Workflows  int        `gorm:"column:workflows"`
}

// TableName is for GORM.
func (erasureRow) TableName() string { return "erasures" }

func (r *erasureRow) model() *models.Erasure {
	return &models.Erasure{
		ID: r.ID, Tenant: r.Tenant, EventID: r.EventID, Epoch: r.Epoch, Why: models.Why{By: r.Actor, Key: r.Key, Reason: r.Reason},
		CreatedAt: r.CreatedAt.UTC(), FinishedAt: fromNullTime(r.FinishedAt),
		Events: r.Events, Deliveries: r.Deliveries, Attempts: r.Attempts, Workflows: r.Workflows,
	}
}

// EraseTenant stops everything of the tenant that was accepted before, as CancelTenant does, and has it erased: what EraseSome
// removes. It returns the erasure of the tenant that is under way, if there is one.
func (s *Store) EraseTenant(ctx context.Context, tenant string, why models.Why) (*models.Erasure, error) {
	return s.erase(ctx, models.Erasure{Tenant: tenant, Why: why}, func(*gorm.DB) error { return nil })
}

// EraseEvent has the event erased. While one of its deliveries is open, that is a CodeConflict error, unless cancel says to
// stop them. An unknown event is a CodeNotFound error.
func (s *Store) EraseEvent(ctx context.Context, event *models.Event, cancel bool, why models.Why) (*models.Erasure, error) {
	return s.erase(ctx, models.Erasure{Tenant: event.Tenant, EventID: event.ID, Why: why}, func(tx *gorm.DB) error {
		row, err := take[eventRow](tx.Clauses(forUpdate).Select("id", "status"), "event", event.ID)
		if err != nil || cancel {
			return err
		}
		var open int64
		err = tx.Model(&deliveryRow{}).Where("event_id = ? AND status IN ?", event.ID, models.ActStop.From()).Count(&open).Error
		if err == nil && (open > 0 || row.Status == models.EventAccepted) {
			return models.Errorf(models.CodeConflict, "the event has deliveries that are open; cancel=true cancels them")
		}
		return err
	})
}

func (s *Store) erase(ctx context.Context, what models.Erasure, allow func(tx *gorm.DB) error) (erasure *models.Erasure, err error) {
	err = s.inTransaction(ctx, "erase", func(tx *gorm.DB) error {
		if err := allow(tx); err != nil {
			return err
		}
		action, subject := models.AuditEraseTenant, what.Tenant
		if what.EventID != "" {
			action, subject = models.AuditEraseEvent, what.EventID
		}
		row := &erasureRow{
			ID: models.NewID(models.ErasurePrefix), Tenant: what.Tenant, EventID: what.EventID,
			Actor: cleanText(what.By), Key: what.Key, Reason: cleanText(what.Reason), CreatedAt: now(),
		}
		stop, err := addStop(tx, what.Tenant, what.EventID, models.Why{By: what.By, Reason: "it was erased"})
		if err != nil {
			return err
		}
		row.Epoch = stop.Epoch
		// No job closes what is erased anyway.
		if err := tx.Model(&stopRow{}).Where("id = ?", stop.ID).Update("walking", false).Error; err != nil {
			return err
		}
		entry := models.AuditEntry{At: row.CreatedAt.Add(time.Microsecond), Tenant: what.Tenant, Action: action, Subject: subject, Why: what.Why}
		if _, err := addAudit(tx, entry); err != nil { // after all that is erased
			return err
		}
		added := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row)
		if added.Error == nil && added.RowsAffected == 0 {
			row = &erasureRow{}
			added = tx.Where("tenant = ? AND event_id = ? AND finished_at IS NULL", what.Tenant, what.EventID).Take(row)
		}
		erasure = row.model()
		return added.Error
	})
	return erasure, err
}

// Erasure returns the erasure with the id, or a CodeNotFound error.
func (s *Store) Erasure(ctx context.Context, id string) (*models.Erasure, error) {
	row, err := take[erasureRow](s.read.WithContext(ctx), "erasure", id)
	if err != nil {
		return nil, translate("read erasure", err)
	}
	return row.model(), nil
}

// OpenErasures returns up to limit erasures that are under way, with ids above after.
func (s *Store) OpenErasures(ctx context.Context, after string, limit int) ([]*models.Erasure, error) {
	q := s.read.WithContext(ctx).Where("finished_at IS NULL")
	return list(sweep(q, after, limit), "list erasures", (*erasureRow).model)
}

// EraseSome removes a batch of rows in one commit, and reports whether none is left. Batches of several processes wait for one another. The rows are
// subscriptions with their sealed values, sources, keys and settings of the tenant, then its events with their deliveries,
// attempts and idempotency keys, and at last recoveries, cancellations, figures and the audit; of an event, those that belong to
// it alone, and the audit stays.
func (s *Store) EraseSome(ctx context.Context, id string) (over bool, err error) {
	err = s.inTransaction(ctx, "erase", func(tx *gorm.DB) error {
		over = true
		var rows []*erasureRow
		err := tx.Clauses(forUpdate).Where("id = ? AND finished_at IS NULL", id).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		e := rows[0]
		if e.EventID == "" {
			if err := eraseSettings(tx, e); err != nil {
				return err
			}
		}
		left, err := eraseEvents(tx, e)
		if err == nil && !left && e.EventID == "" {
			left, err = eraseRest(tx, e)
		}
		over = !left
		return err
	})
	return over, err
}

// eraseSettings erases what was made before the erasure.
func eraseSettings(tx *gorm.DB, e *erasureRow) error {
	for _, table := range []string{"subscriptions", "sources", "api_keys"} {
		if err := tx.Exec("DELETE FROM "+table+" WHERE tenant = ? AND created_at <= ?", e.Tenant, e.CreatedAt).Error; err != nil {
			return err
		}
	}
	return tx.Exec("DELETE FROM tenants WHERE name = ? AND updated_at <= ?", e.Tenant, e.CreatedAt).Error
}

// eraseEvents reports whether there may be more.
func eraseEvents(tx *gorm.DB, e *erasureRow) (left bool, err error) {
	q := tx.Model(&eventRow{}).Where("tenant = ? AND (epoch < ? OR epoch = ? AND created_at <= ?)", e.Tenant, e.Epoch, models.UnknownEpoch, e.CreatedAt)
	if e.EventID != "" {
		q = tx.Model(&eventRow{}).Where("id = ?", e.EventID)
	}
	var ids []string
	if err := q.Clauses(forUpdate).Order("id").Limit(expirePage(tx)).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return false, err
	}
	gone, err := measureEvents(tx, ids)
	if err != nil {
		return false, err
	}
	if err := deletePartitioned(tx, ids); err != nil {
		return false, err
	}
	if err := deleteEvents(tx, ids); err != nil {
		return false, err
	}
	e.Events, e.Deliveries, e.Attempts = e.Events+gone.Events, e.Deliveries+gone.Deliveries, e.Attempts+gone.Attempts
	return true, tx.Select("events", "deliveries", "attempts").Updates(e).Error
}

// eraseRest reports whether there may be more. The epoch of the tenant stays: what is accepted from now on is of a later one.
func eraseRest(tx *gorm.DB, e *erasureRow) (left bool, err error) {
	minute := e.CreatedAt.Unix() / 60 * 60
	for _, statement := range []struct {
		query string
		args  []any
	}{
		{"DELETE FROM recoveries WHERE tenant = ? AND created_at <= ?", []any{e.Tenant, e.CreatedAt}},
		{"DELETE FROM retention WHERE tenant = ? AND NOT EXISTS (SELECT 1 FROM tenants WHERE name = ?)", []any{e.Tenant, e.Tenant}},
		{"DELETE FROM stops WHERE tenant = ? AND epoch < ?", []any{e.Tenant, e.Epoch}},
		{"DELETE FROM attempt_stats WHERE tenant = ? AND at <= ?", []any{e.Tenant, minute}},
		{"DELETE FROM attempt_marks WHERE tenant = ? AND at <= ?", []any{e.Tenant, minute}},
	} {
		if err := tx.Exec(statement.query, statement.args...).Error; err != nil {
			return false, err
		}
	}
	var ids []string
	entries := tx.Model(&auditRow{}).Where("tenant = ? AND at <= ?", e.Tenant, e.CreatedAt)
	if err := entries.Order("id").Limit(expirePage(tx)).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return false, err
	}
	return true, deleteAudit(tx, expiring{ended: ids})
}

// FinishErasure notes that nothing is left, and how many workflow executions were deleted on the way.
func (s *Store) FinishErasure(ctx context.Context, id string, workflows int) error {
	return s.inTransaction(ctx, "finish erasure", func(tx *gorm.DB) error {
		row, err := take[erasureRow](tx.Clauses(forUpdate), "erasure", id)
		if err != nil || row.FinishedAt != nil {
			return err
		}
		at := now()
		row.FinishedAt, row.Workflows = &at, workflows
		if err := tx.Select("finished_at", "workflows").Updates(row).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM stops WHERE tenant = ? AND epoch = ?", row.Tenant, row.Epoch).Error // with nothing to stop any more
	})
}

// Erased returns those of the events and deliveries that are not stored.
func (s *Store) Erased(ctx context.Context, eventIDs, deliveryIDs []string) (map[string]bool, error) {
	erased := map[string]bool{}
	for _, of := range []struct {
		table string
		ids   []string
	}{{"events", eventIDs}, {"deliveries", deliveryIDs}} {
		if len(of.ids) == 0 {
			continue
		}
		var there []string
		if err := anyOf(s.read.WithContext(ctx).Table(of.table), "id", of.ids).Pluck("id", &there).Error; err != nil {
			return nil, translate("look for what was erased", err)
		}
		found := setOf(there)
		for _, id := range of.ids {
			if !found[id] {
				erased[id] = true
			}
		}
	}
	return erased, nil
}
