package store

import (
	"context"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

// presentEpoch is the epoch of a tenant, which is given as SQL, in the snapshot of the statement that it is a part of.
func presentEpoch(tenant string) string {
	return "COALESCE((SELECT e.epoch FROM epochs AS e WHERE e.tenant = " + tenant + "), 1)"
}

type stopRow struct {
	ID      string `gorm:"column:id;primaryKey"`
	Tenant  string `gorm:"column:tenant"`
	Subject string `gorm:"column:subject"` // the id of a subscription or an event; empty: all of the tenant
	Epoch   int64  `gorm:"column:epoch"`
	Actor   string `gorm:"column:actor"`
	Reason  string `gorm:"column:reason"`
	Walking bool   `gorm:"column:walking"`
}

// TableName is for GORM.
func (stopRow) TableName() string { return "stops" }

func (r *stopRow) why() models.Why { return models.Why{By: r.Actor, Reason: r.Reason} }

func (r *stopRow) model() *models.Stop {
	stop := &models.Stop{ID: r.ID, Tenant: r.Tenant, Epoch: r.Epoch, Why: r.why()}
	switch {
	case models.ValidID(models.EventPrefix, r.Subject):
		stop.EventID = r.Subject
	default:
		stop.SubscriptionID = r.Subject
	}
	return stop
}

// CancelTenant stops everything of the tenant that was accepted before, planned or not, and counts it. It notes that in
// the audit, in the same commit. Nothing of it begins an attempt after that commit; Stop.Job closes it.
func (s *Store) CancelTenant(ctx context.Context, tenant string, why models.Why) (*models.Stop, error) {
	return s.cancelAll(ctx, "cancel tenant", func(tx *gorm.DB) (*models.Stop, error) {
		entry := models.AuditEntry{Tenant: tenant, Action: models.AuditCancelTenant, Subject: tenant, Why: why}
		if _, err := addAudit(tx, entry); err != nil {
			return nil, err
		}
		stop, err := addStop(tx, tenant, "", why)
		if err != nil {
			return nil, err
		}
		return stop, countUnplanned(tx.Where("tenant = ?", tenant), stop)
	})
}

// CancelWaiting is CancelTenant for what waits for one subscription. An unknown one is a CodeNotFound error.
func (s *Store) CancelWaiting(ctx context.Context, subscriptionID string, why models.Why) (*models.Stop, error) {
	return s.cancelAll(ctx, "cancel what waits", func(tx *gorm.DB) (*models.Stop, error) {
		// Locked first, so that a plan that holds a delivery for it comes before and is seen, or comes after and sees.
		sub, err := take[subscriptionRow](tx.Clauses(forUpdate).Select("id", "tenant", "event_types"), "subscription", subscriptionID)
		if err != nil {
			return nil, err
		}
		if err := addAudits(tx, sub.Tenant, sub.ID, []models.AuditEntry{{Action: models.AuditCancelWaiting, Why: why}}); err != nil {
			return nil, err
		}
		stop, err := addStop(tx, sub.Tenant, sub.ID, why)
		if err != nil {
			return nil, err
		}
		matches, types := matching(sub.EventTypes)
		return stop, countUnplanned(tx.Where("tenant = ?", sub.Tenant).Where(matches, types...), stop)
	})
}

// CancelEvent is CancelTenant for one event, dead letters included. One that is not planned yet will get its deliveries as
// cancelled ones. An unknown one is a CodeNotFound error.
func (s *Store) CancelEvent(ctx context.Context, eventID string, why models.Why) (*models.Stop, error) {
	return s.cancelAll(ctx, "cancel event", func(tx *gorm.DB) (*models.Stop, error) {
		event, err := take[eventRow](tx.Clauses(forUpdate).Select("id", "tenant", "status"), "event", eventID)
		if err != nil {
			return nil, err
		}
		if err := addAudits(tx, event.Tenant, event.ID, []models.AuditEntry{{Action: models.AuditCancelEvent, Why: why}}); err != nil {
			return nil, err
		}
		stop, err := addStop(tx, event.Tenant, event.ID, why)
		if err != nil || event.Status != models.EventAccepted {
			return stop, err
		}
		stop.Events = 1
		// In the event's own row, because a plan that waits for that row is given its newest version, and of all other rows
		// those that it saw before.
		return stop, tx.Model(event).UpdateColumn("epoch", 0).Error
	})
}

// cancelAll stores a stop and counts the deliveries that it stops.
func (s *Store) cancelAll(
	ctx context.Context, op string, do func(tx *gorm.DB) (*models.Stop, error),
) (stop *models.Stop, err error) {
	err = s.inTransaction(ctx, op, func(tx *gorm.DB) error {
		if stop, err = do(tx); err != nil {
			return err
		}
		var count int64
		err := selected(tx.Model(&deliveryRow{}), stop.Job().Selection).Count(&count).Error
		stop.Deliveries = int(count)
		return err
	})
	if err != nil {
		return nil, err
	}
	return stop, nil
}

// addStop begins a new epoch of the tenant, and stops what is of the subject and of an earlier one. Whoever calls it waits
// for nobody afterwards but for the row of the subject: the lock on the epoch is the last one taken.
func addStop(tx *gorm.DB, tenant, subject string, why models.Why) (*models.Stop, error) {
	var epoch int64
	err := tx.Raw(`INSERT INTO epochs (tenant, epoch) VALUES (?, 2)
		ON CONFLICT (tenant) DO UPDATE SET epoch = epochs.epoch + 1 RETURNING epoch`, tenant).Scan(&epoch).Error
	if err != nil {
		return nil, err
	}
	row := &stopRow{
		ID: models.NewID("stop_"), Tenant: tenant, Subject: subject, Epoch: epoch,
		Actor: cleanText(why.By), Reason: cleanText(why.Reason), Walking: true,
	}
	onEarlier := clause.OnConflict{
		Columns:   []clause.Column{{Name: "tenant"}, {Name: "subject"}},
		DoUpdates: clause.AssignmentColumns([]string{"id", "epoch", "actor", "reason", "walking"}),
	}
	return row.model(), tx.Clauses(onEarlier).Create(row).Error
}

// countUnplanned counts those of the events that are not planned and of an epoch before the stop.
func countUnplanned(q *gorm.DB, stop *models.Stop) error {
	var count int64
	err := q.Model(&eventRow{}).Where("status = 'accepted' AND epoch < ?", stop.Epoch).Count(&count).Error
	stop.Events = int(count)
	return err
}

// Epoch returns the tenant's present epoch: what is asked for in it is stopped by whatever cancels later.
func (s *Store) Epoch(ctx context.Context, tenant string) (int64, error) {
	epoch, err := epochNow(s.read.WithContext(ctx), tenant)
	return epoch, translate("read epoch", err)
}

func epochNow(q *gorm.DB, tenant string) (epoch int64, err error) {
	err = q.Raw("SELECT "+presentEpoch("?"), tenant).Scan(&epoch).Error
	return epoch, err
}

// Stopped returns why what was asked for of the subscription or event in the epoch is stopped since; nil: it is not.
func (s *Store) Stopped(ctx context.Context, tenant string, epoch int64, subjects ...string) (*models.Why, error) {
	stops, err := stopsSince(s.read.WithContext(ctx), tenant, epoch, subjects...)
	return stops.of(subjects...), translate("read stops", err)
}

// LastStop returns the last cancellation of what is for the subscription, or a CodeNotFound error.
func (s *Store) LastStop(ctx context.Context, tenant, subscriptionID string) (*models.Stop, error) {
	var row stopRow
	err := s.read.WithContext(ctx).Where("tenant = ? AND subject = ?", tenant, subscriptionID).Take(&row).Error
	if err != nil {
		return nil, translate("read stop", notFound(err, "cancellation of", subscriptionID))
	}
	return row.model(), nil
}

// stopped are stops by their subject.
type stopped map[string]*stopRow

// of returns why one of the subjects, or all of their tenant, is stopped; nil: it is not.
func (s stopped) of(subjects ...string) *models.Why {
	for _, subject := range append([]string{""}, subjects...) {
		if row := s[subject]; row != nil {
			why := row.why()
			return &why
		}
	}
	return nil
}

// since returns those of the stops that stop things of the epoch.
func (s stopped) since(epoch int64) stopped {
	later := maps.Clone(s)
	maps.DeleteFunc(later, func(_ string, row *stopRow) bool { return row.Epoch <= epoch })
	return later
}

// stopsSince reads what stops things of the epoch that are of one of the subjects.
func stopsSince(q *gorm.DB, tenant string, epoch int64, subjects ...string) (stopped, error) {
	var rows []*stopRow
	err := q.Where("tenant = ? AND subject IN ? AND epoch > ?", tenant, append([]string{""}, subjects...), epoch).Find(&rows).Error
	found := make(stopped, len(rows))
	for _, row := range rows {
		found[row.Subject] = row
	}
	return found, err
}

// stoppedDelivery returns why the delivery is stopped if it is wanted in the epoch; nil: it is not stopped.
func stoppedDelivery(q *gorm.DB, row *deliveryRow, epoch int64) (*models.Why, error) {
	stops, err := stopsSince(q, row.Tenant, epoch, row.SubscriptionID, row.EventID)
	return stops.of(row.SubscriptionID, row.EventID), err
}

// WalkingStops returns up to limit stops whose job is to be done, with ids above after, oldest first.
func (s *Store) WalkingStops(ctx context.Context, after string, limit int) ([]*models.Stop, error) {
	// The condition is a literal so that both databases see that the partial index applies.
	return list(sweep(s.read.WithContext(ctx).Where("walking"), after, limit), "list stops", (*stopRow).model)
}

// FinishStop notes that all is closed that the job of a stop selects, if that is so, and reports it.
func (s *Store) FinishStop(ctx context.Context, job models.Job) (finished bool, err error) {
	err = s.inTransaction(ctx, "finish stop", func(tx *gorm.DB) error {
		var open int64
		if err := selected(tx.Model(&deliveryRow{}), job.Selection).Limit(1).Count(&open).Error; err != nil || open > 0 {
			return err
		}
		finished = true
		subjects := slices.DeleteFunc([]string{job.Selection.EventID, job.Selection.SubscriptionID}, func(id string) bool { return id == "" })
		subjects = append(subjects, "")
		return tx.Model(&stopRow{}).Where("tenant = ? AND subject = ? AND epoch = ?", job.Tenant, subjects[0], job.Selection.Before).
			UpdateColumn("walking", false).Error
	})
	return finished && err == nil, err
}
