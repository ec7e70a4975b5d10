package store

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// SelectDeliveries returns up to limit of the selected deliveries with ids above after, oldest first.
func (s *Store) SelectDeliveries(
	ctx context.Context, sel models.Selection, after string, limit int,
) ([]*models.Delivery, error) {
	q := selected(s.read.WithContext(ctx), sel)
	if len(sel.Statuses) > 1 { // then the order by id would make SQLite walk all deliveries of the subscription
		q = s.read.WithContext(ctx).Where("id IN (?)", selected(s.read.Model(&deliveryRow{}).Select("id"), sel))
	}
	return list(sweep(q, after, limit), "select deliveries", (*deliveryRow).model)
}

// CountDeliveries returns how many deliveries are selected.
func (s *Store) CountDeliveries(ctx context.Context, sel models.Selection) (int, error) {
	var count int64
	err := selected(s.read.WithContext(ctx).Model(&deliveryRow{}), sel).Count(&count).Error
	return int(count), translate("count deliveries", err)
}

// selected adds the conditions of the selection.
func selected(q *gorm.DB, sel models.Selection) *gorm.DB {
	q = equal(q, "event_id", sel.EventID)
	q = equal(q, "subscription_id", sel.SubscriptionID)
	switch len(sel.Statuses) { // SQLite takes "IN" for one of several even where it lists one
	case 0:
	case 1:
		q = equal(q, "status", sel.Statuses[0])
	default:
		q = q.Where("status IN ?", sel.Statuses)
	}
	if len(sel.Statuses) > 0 && !slices.Contains(sel.Statuses, models.DeliveryDelivered) {
		q = q.Where("status <> 'delivered'") // literally the condition of the partial indexes, which SQLite wants to see
	}
	if !sel.Since.IsZero() {
		q = q.Where("id >= ?", firstID(models.DeliveryPrefix, sel.Since)) // as good as created_at, see newDeliveryRow
	}
	if !sel.Until.IsZero() {
		q = q.Where("id < ?", firstID(models.DeliveryPrefix, sel.Until))
	}
	return q
}
