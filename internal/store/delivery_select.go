package store

import (
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// SelectDeliveries returns up to limit of the selected deliveries with ids above after, oldest first.
func (s *Store) SelectDeliveries(
	ctx context.Context, sel models.Selection, after string, limit int,
) ([]*models.Delivery, error) {
	if len(sel.Statuses) < 2 {
		return list(sweep(selected(s.read.WithContext(ctx), sel), after, limit), "select deliveries", (*deliveryRow).model)
	}
	// A page of each status, from its own range of the index: together they hold the page of all.
	var all []*models.Delivery
	for _, status := range sel.Statuses {
		one := sel
		one.Statuses = []models.DeliveryStatus{status}
		found, err := s.SelectDeliveries(ctx, one, after, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b *models.Delivery) int { return strings.Compare(a.ID, b.ID) })
	all = slices.CompactFunc(all, func(a, b *models.Delivery) bool { return a.ID == b.ID }) // its status changed meanwhile
	return all[:min(len(all), max(limit, 0))], nil
}

// CountDeliveries returns how many deliveries are selected.
func (s *Store) CountDeliveries(ctx context.Context, sel models.Selection) (int, error) {
	var count int64
	err := selected(s.read.WithContext(ctx).Model(&deliveryRow{}), sel).Count(&count).Error
	return int(count), translate("count deliveries", err)
}

// selected adds the conditions of the selection.
func selected(q *gorm.DB, sel models.Selection) *gorm.DB {
	q = equal(q, "tenant", sel.Tenant)
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
	if sel.Before > 0 {
		q = q.Where("epoch < ?", sel.Before)
	}
	return q
}
