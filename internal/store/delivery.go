package store

import (
	"context"
	"net/url"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

type deliveryRow struct {
	ID             string                `gorm:"column:id;primaryKey"`
	EventID        string                `gorm:"column:event_id"`
	SubscriptionID string                `gorm:"column:subscription_id"`
	Tenant         string                `gorm:"column:tenant"`
	EventType      string                `gorm:"column:event_type"`
	Position       int                   `gorm:"column:position"`
	Status         models.DeliveryStatus `gorm:"column:status"`
	Attempts       int                   `gorm:"column:attempts"`
	Forwarded      int                   `gorm:"column:forwarded"`
	NextAttemptAt  *time.Time            `gorm:"column:next_attempt_at"`
	LastError      string                `gorm:"column:last_error"`
	Reason         string                `gorm:"column:reason"`
	Payload        models.Payload        `gorm:"column:payload"`
	Properties     []byte                `gorm:"column:properties"`
	CreatedAt      time.Time             `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt      time.Time             `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName is for GORM.
func (deliveryRow) TableName() string { return "deliveries" }

func (r *deliveryRow) model() *models.Delivery {
	return &models.Delivery{
		ID: r.ID, EventID: r.EventID, SubscriptionID: r.SubscriptionID, Tenant: r.Tenant, EventType: r.EventType,
		Position: r.Position, Status: r.Status, Attempts: r.Attempts, Forwarded: r.Forwarded, NextAttemptAt: fromNullTime(r.NextAttemptAt),
		LastError: r.LastError, Reason: r.Reason, Payload: r.Payload, Properties: r.Properties,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// Delivery returns the delivery with the id, or a CodeNotFound error.
func (s *Store) Delivery(ctx context.Context, id string) (*models.Delivery, error) {
	row, err := take[deliveryRow](s.read.WithContext(ctx), "delivery", id)
	if err != nil {
		return nil, translate("read delivery", err)
	}
	return row.model(), nil
}

// Deliveries returns a page of the deliveries that the filter selects, newest first by id. Page.Limit is honoured up to
// models.MaxPageLimit+1.
func (s *Store) Deliveries(ctx context.Context, f models.DeliveryFilter) ([]*models.Delivery, error) {
	q := s.read.WithContext(ctx)
	q = equal(q, "tenant", f.Tenant)
	q = equal(q, "subscription_id", f.SubscriptionID)
	q = equal(q, "event_id", f.EventID)
	q = equal(q, "status", f.Status)
	if f.Status != "" && f.Status != models.DeliveryDelivered {
		q = q.Where("status <> 'delivered'") // literally the condition of the partial indexes, which SQLite wants to see
	}
	if !f.Since.IsZero() {
		q = q.Where("id >= ?", firstDelivery(f.Since)) // as good as created_at, see newDeliveryRow
	}
	return list(page(q, f.Page), "list deliveries", (*deliveryRow).model)
}

// OverdueDeliveries returns up to limit pending deliveries whose next attempt was due before the given time, with ids
// above after, oldest first.
func (s *Store) OverdueDeliveries(
	ctx context.Context, before time.Time, after string, limit int,
) ([]*models.Delivery, error) {
	// On its own the order by id would make SQLite walk all deliveries there ever were.
	overdue := s.read.Model(&deliveryRow{}).Select("id").Where("status = 'pending' AND next_attempt_at < ?", before)
	q := s.read.WithContext(ctx).Where("id IN (?)", overdue)
	return list(sweep(q, after, limit), "list overdue deliveries", (*deliveryRow).model)
}

type targetRow struct {
	ID             string  `gorm:"column:id"`
	SubscriptionID string  `gorm:"column:subscription_id"`
	URL            *string `gorm:"column:url"` // nil: the subscription is gone
}

func (r *targetRow) model() models.Target {
	target := models.Target{DeliveryID: r.ID, SubscriptionID: r.SubscriptionID}
	if r.URL == nil {
		return target
	}
	if u, err := url.Parse(*r.URL); err == nil {
		target.Host = u.Host
	}
	return target
}

// Targets returns what is needed to start those deliveries of the event that are still pending and whose position is
// at least from and below to, by position. The host, with its port if the URL has one, is empty when the subscription
// has been deleted. An unknown event has none.
func (s *Store) Targets(ctx context.Context, eventID string, from, to int) ([]models.Target, error) {
	q := s.read.WithContext(ctx).Table("deliveries AS d").
		Select("d.id, d.subscription_id, s.url").
		Joins("LEFT JOIN subscriptions AS s ON s.id = d.subscription_id").
		Where("d.event_id = ? AND d.position >= ? AND d.position < ? AND d.status = 'pending'", eventID, from, to).
		Order("d.position")
	return list(q, "list targets", (*targetRow).model)
}

// CloseDelivery ends a pending delivery with the given status and reason. One that is closed already stays as it is. It
// returns the status in force afterwards, or a CodeNotFound error.
func (s *Store) CloseDelivery(
	ctx context.Context, id string, status models.DeliveryStatus, reason string,
) (models.DeliveryStatus, error) {
	if !status.Closed() {
		return "", models.Errorf(models.CodeInvalid, "a delivery cannot be closed as %s", status)
	}
	err := s.inTransaction(ctx, "close delivery", func(tx *gorm.DB) error {
		row, err := take[deliveryRow](tx.Clauses(forUpdate).Select("id", "status"), "delivery", id)
		if err != nil {
			return err
		}
		if row.Status.Closed() {
			status = row.Status
			return nil
		}
		return tx.Model(row).Updates(map[string]any{
			"status": status, "reason": cleanText(reason), "next_attempt_at": nil, "updated_at": now(),
		}).Error
	})
	if err != nil {
		return "", err
	}
	return status, nil
}

// BringForward makes the next attempt of a pending delivery due at the given time, and counts it as forwarded if it was
// due later. A closed delivery is a CodeConflict error, an unknown one CodeNotFound.
func (s *Store) BringForward(ctx context.Context, id string, at time.Time) error {
	return s.inTransaction(ctx, "bring delivery forward", func(tx *gorm.DB) error {
		row, err := take[deliveryRow](tx.Clauses(forUpdate).Select("id", "status", "next_attempt_at", "forwarded"), "delivery", id)
		if err != nil {
			return err
		}
		if row.Status.Closed() {
			return models.Errorf(models.CodeConflict, "delivery %s is %s already", id, row.Status)
		}
		forwarded := row.Forwarded
		if row.NextAttemptAt != nil && row.NextAttemptAt.After(at) {
			forwarded++
		}
		return tx.Model(row).Updates(map[string]any{"next_attempt_at": at, "forwarded": forwarded, "updated_at": now()}).Error
	})
}
