package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

type recoveryRow struct {
	ID             string                `gorm:"column:id;primaryKey"`
	Tenant         string                `gorm:"column:tenant"`
	SubscriptionID string                `gorm:"column:subscription_id"`
	Recovers       models.RecoveryOf     `gorm:"column:recovers"`
	Since          time.Time             `gorm:"column:since"`
	Until          time.Time             `gorm:"column:until"`
	Rate           int                   `gorm:"column:rate"`
	Actor          string                `gorm:"column:actor"`
	Reason         string                `gorm:"column:reason"`
	Status         models.RecoveryStatus `gorm:"column:status"`
	Total          int                   `gorm:"column:total"`
	AfterID        string                `gorm:"column:after_id"`
	Done           int                   `gorm:"column:done"`
	Skipped        int                   `gorm:"column:skipped"`
	CreatedAt      time.Time             `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt      time.Time             `gorm:"column:updated_at;autoUpdateTime:false"`
	FinishedAt     *time.Time            `gorm:"column:finished_at"` // nil: it runs
	Epoch          int64                 `gorm:"column:epoch"`
}

// TableName is for GORM.
func (recoveryRow) TableName() string { return "recoveries" }

func newRecoveryRow(r *models.Recovery) *recoveryRow {
	return &recoveryRow{
		ID: r.ID, Tenant: r.Tenant, SubscriptionID: r.SubscriptionID, Recovers: r.Of, Since: r.Since, Until: r.Until,
		Rate: r.Rate, Actor: cleanText(r.By), Reason: cleanText(r.Reason), Status: r.Status, Total: r.Total,
		AfterID: r.Progress.After, Done: r.Progress.Done, Skipped: r.Progress.Skipped,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, FinishedAt: nullTime(r.FinishedAt), Epoch: r.Epoch,
	}
}

func (r *recoveryRow) model() *models.Recovery {
	return &models.Recovery{
		ID: r.ID, Tenant: r.Tenant, SubscriptionID: r.SubscriptionID, Of: r.Recovers, Since: r.Since.UTC(),
		Until: r.Until.UTC(), Rate: r.Rate, Why: models.Why{By: r.Actor, Reason: r.Reason}, Status: r.Status,
		Total: r.Total, Progress: models.Progress{After: r.AfterID, Done: r.Done, Skipped: r.Skipped},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), FinishedAt: fromNullTime(r.FinishedAt), Epoch: r.Epoch,
	}
}

// onRunning leaves the recovery of the subscription that runs in place. Its target is the partial index of that name.
var onRunning = clause.OnConflict{
	Columns:     []clause.Column{{Name: "subscription_id"}},
	TargetWhere: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "status = 'running'"}}},
	DoNothing:   true,
}

// CreateRecovery gives the recovery the present epoch and stores it, which must be valid, and the audit entries about that. While another one of the
// subscription runs it is a CodeConflict error that names that one's id; so is a taken id.
func (s *Store) CreateRecovery(ctx context.Context, r *models.Recovery, audit ...models.AuditEntry) error {
	return s.inTransaction(ctx, "create recovery", func(tx *gorm.DB) (err error) {
		if r.Epoch, err = epochNow(tx, r.Tenant); err != nil {
			return err
		}
		inserted := tx.Clauses(onRunning).Create(newRecoveryRow(r))
		if inserted.Error != nil {
			return inserted.Error
		}
		if inserted.RowsAffected == 0 {
			return whyNotCreated(tx, r)
		}
		return addAudits(tx, r.Tenant, r.ID, audit)
	})
}

func whyNotCreated(tx *gorm.DB, r *models.Recovery) error {
	var running []string
	q := tx.Model(&recoveryRow{}).Where("subscription_id = ? AND status = 'running'", r.SubscriptionID)
	if err := q.Pluck("id", &running).Error; err != nil {
		return err
	}
	if len(running) == 0 { // finished since it stood in the way
		return models.Errorf(models.CodeUnavailable, "a recovery of subscription %s just finished; try again", r.SubscriptionID)
	}
	return models.Errorf(models.CodeConflict, "recovery %s of subscription %s is still running", running[0], r.SubscriptionID)
}

// Recovery returns the recovery with the id, or a CodeNotFound error.
func (s *Store) Recovery(ctx context.Context, id string) (*models.Recovery, error) {
	row, err := take[recoveryRow](s.read.WithContext(ctx), "recovery", id)
	if err != nil {
		return nil, translate("read recovery", err)
	}
	return row.model(), nil
}

// Recoveries returns a page of the recoveries that the filter selects, newest first by id. Page.Limit is honoured up to
// models.MaxPageLimit+1.
func (s *Store) Recoveries(ctx context.Context, f models.RecoveryFilter) ([]*models.Recovery, error) {
	q := equal(s.read.WithContext(ctx), "tenant", f.Tenant)
	q = equal(q, "subscription_id", f.SubscriptionID)
	q = equal(q, "status", f.Status)
	return list(page(q, f.Page), "list recoveries", (*recoveryRow).model)
}

// RunningRecoveries returns up to limit recoveries that have not finished, with ids above after, oldest first.
func (s *Store) RunningRecoveries(ctx context.Context, after string, limit int) ([]*models.Recovery, error) {
	// The status is a literal so that both databases see that the partial index applies.
	q := s.read.WithContext(ctx).Where("status = 'running'")
	return list(sweep(q, after, limit), "list running recoveries", (*recoveryRow).model)
}

// SaveProgress notes how far the recovery has come, unless it has finished, and returns the status in force, or a
// CodeNotFound error.
func (s *Store) SaveProgress(ctx context.Context, id string, p models.Progress) (models.RecoveryStatus, error) {
	row, err := s.changeRunning(ctx, "save progress", id, func(_ *gorm.DB, row *recoveryRow) error {
		row.AfterID, row.Done, row.Skipped = p.After, p.Done, p.Skipped
		return nil
	})
	if err != nil {
		return "", err
	}
	return row.Status, nil
}

// FinishRecovery ends a running recovery with the given status, adds the audit entries about that, and returns it. One
// that has finished already stays as it is, and so does the audit. An unknown one is a CodeNotFound error.
func (s *Store) FinishRecovery(
	ctx context.Context, id string, status models.RecoveryStatus, audit ...models.AuditEntry,
) (*models.Recovery, error) {
	if status == models.RecoveryRunning {
		return nil, models.Errorf(models.CodeInvalid, "a recovery cannot be finished as %s", status)
	}
	row, err := s.changeRunning(ctx, "finish recovery", id, func(tx *gorm.DB, row *recoveryRow) error {
		at := now()
		row.Status, row.FinishedAt = status, &at
		return addAudits(tx, row.Tenant, row.ID, audit)
	})
	if err != nil {
		return nil, err
	}
	return row.model(), nil
}

// changeRunning calls change on the recovery while its row is locked, unless it has finished, stores what change can
// change, and returns it as it is afterwards.
func (s *Store) changeRunning(
	ctx context.Context, op, id string, change func(tx *gorm.DB, row *recoveryRow) error,
) (row *recoveryRow, err error) {
	err = s.inTransaction(ctx, op, func(tx *gorm.DB) error {
		if row, err = take[recoveryRow](tx.Clauses(forUpdate), "recovery", id); err != nil {
			return err
		}
		if row.Status != models.RecoveryRunning {
			return nil
		}
		if err := change(tx, row); err != nil {
			return err
		}
		row.UpdatedAt = now()
		return tx.Select("status", "after_id", "done", "skipped", "updated_at", "finished_at").Updates(row).Error
	})
	return row, err
}
