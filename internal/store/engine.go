package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

// engineRow is the only row of its table.
type engineRow struct {
	ID          int       `gorm:"column:id;primaryKey;autoIncrement:false"`
	Namespace   string    `gorm:"column:namespace"`
	NamespaceID string    `gorm:"column:namespace_id"`
	BoundAt     time.Time `gorm:"column:bound_at"`
}

// TableName is for GORM.
func (engineRow) TableName() string { return "engine_binding" }

func (r *engineRow) model() models.Engine {
	return models.Engine{Namespace: r.Namespace, NamespaceID: r.NamespaceID, BoundAt: r.BoundAt.UTC()}
}

// BindEngine gives the store to an engine, unless it belongs to one. If that is another one, it is a *models.EngineError.
// Of several that ask at once one gets it. What counts is the id of the namespace: a namespace may be renamed, and a
// failover takes it to another cluster.
func (s *Store) BindEngine(ctx context.Context, engine models.Engine) error {
	bound, err := s.Engine(ctx)
	if err == nil && bound.NamespaceID == "" {
		row := engineRow{ID: 1, Namespace: engine.Namespace, NamespaceID: engine.NamespaceID, BoundAt: now()}
		err = s.transact(ctx, func(tx *gorm.DB) error {
			return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
		})
		if err == nil {
			bound, err = s.Engine(ctx)
		}
	}
	if err != nil {
		return translate("bind engine", err)
	}
	if bound.NamespaceID != engine.NamespaceID {
		return &models.EngineError{Bound: bound, Other: engine}
	}
	return nil
}

// Engine returns whose the store is, the zero value if it is nobody's.
func (s *Store) Engine(ctx context.Context) (models.Engine, error) {
	var rows []engineRow
	if err := s.read.WithContext(ctx).Find(&rows).Error; err != nil || len(rows) == 0 {
		return models.Engine{}, translate("read engine", err)
	}
	return rows[0].model(), nil
}

// ReleaseEngine makes the store nobody's, so that the next engine gets it, and returns whose it was. The entry is stored in
// the same commit.
func (s *Store) ReleaseEngine(ctx context.Context, entry models.AuditEntry) (models.Engine, error) {
	var rows []engineRow
	err := s.inTransaction(ctx, "release engine", func(tx *gorm.DB) error {
		if err := tx.Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		if err := tx.Delete(&rows).Error; err != nil {
			return err
		}
		entry.Subject = rows[0].NamespaceID
		_, err := addAudit(tx, entry)
		return err
	})
	if err != nil || len(rows) == 0 {
		return models.Engine{}, err
	}
	return rows[0].model(), nil
}
