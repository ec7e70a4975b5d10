package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// FailingSince returns, for each of the subscriptions of which deliveries are being retried, when the oldest of these began
// to fail.
func (s *Store) FailingSince(ctx context.Context, subscriptionIDs ...string) (map[string]time.Time, error) {
	// By the id of the delivery, so that its time is read as one: to SQLite what a function returns is a number.
	const oldest = `SELECT (SELECT f.id FROM deliveries AS f
			WHERE f.subscription_id = s.id AND f.status = 'pending' AND f.failing_since IS NOT NULL
			ORDER BY f.failing_since LIMIT 1)
		FROM subscriptions AS s WHERE s.id IN ?`
	var rows []deliveryRow
	q := s.read.WithContext(ctx).Select("subscription_id", "failing_since").Where("id IN ("+oldest+")", subscriptionIDs)
	if err := q.Find(&rows).Error; err != nil {
		return nil, translate("read what fails", err)
	}
	since := make(map[string]time.Time, len(rows))
	for i := range rows {
		since[rows[i].SubscriptionID] = fromNullTime(rows[i].FailingSince)
	}
	return since, nil
}

// CountHeld returns how many deliveries of the subscription are held, up to a hundred thousand.
func (s *Store) CountHeld(ctx context.Context, subscriptionID string) (int, error) {
	held := openDeliveries(s.read.WithContext(ctx), subscriptionID, models.DeliveryHeld).Select("1").Limit(maxCount)
	var count int64
	err := s.read.WithContext(ctx).Table("(?) AS held", held).Count(&count).Error
	return int(count), translate("count held deliveries", err)
}

// HaltDelivery notes by whom a pending delivery is kept from going in Temporal, in words that are empty for nobody, and adds the
// audit entries about that, if it is news. One that is not pending stays as it is. It reports whether it was news.
func (s *Store) HaltDelivery(ctx context.Context, id, by string, audit ...models.AuditEntry) (news bool, err error) {
	err = s.inTransaction(ctx, "halt delivery", func(tx *gorm.DB) error {
		row, err := lockDelivery(tx, id)
		if err != nil || row.Status != models.DeliveryPending || row.Halted == cleanText(by) {
			return err
		}
		news = true
		if err := addAudits(tx, row.Tenant, row.ID, audit); err != nil {
			return err
		}
		return tx.Model(row).Updates(map[string]any{"halted": cleanText(by), "updated_at": now()}).Error
	})
	return news && err == nil, err
}
