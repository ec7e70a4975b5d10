package store

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const (
	holdPage = 500              // deliveries that a pause holds in one commit, which others may have to wait for
	holdTime = 20 * time.Second // for a pause to hold the pending deliveries
)

// lockStatuses keeps the subscriptions from changing until the end of the transaction, and returns the status of each. A
// subscription that is gone has no status.
func lockStatuses(tx *gorm.DB, ids []string) (map[string]models.SubscriptionStatus, error) {
	var rows []subscriptionRow
	q := tx.Clauses(forShare).Select("id", "status").Where("id IN ?", ids).Order("id")
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	statuses := map[string]models.SubscriptionStatus{}
	for i := range rows {
		statuses[rows[i].ID] = rows[i].Status
	}
	return statuses, nil
}

// holdPending holds the pending deliveries of a subscription that has been paused. It takes many short commits, so that
// nobody waits for more than one of them, and nobody needs to wait for all: the deliveries left over when its time is up,
// or when the process dies, are held when they come due (models.ActHold).
func (s *Store) holdPending(ctx context.Context, subscriptionID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdTime)
	defer cancel()
	for range 2 { // the second pass takes the deliveries that were locked during the first
		if err := s.holdAll(ctx, subscriptionID); err != nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "subscription.not_all_held",
				slog.String("subscription_id", subscriptionID), slog.Any("error", err))
			return
		}
	}
}

// holdAll holds the pending deliveries of a subscription page by page, as long as the subscription is paused.
func (s *Store) holdAll(ctx context.Context, subscriptionID string) error {
	for after, more := "", true; more; more = after != "" {
		err := s.inTransaction(ctx, "hold deliveries", func(tx *gorm.DB) (err error) {
			after, err = holdSome(tx, subscriptionID, after)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// holdSome holds a page of deliveries with ids above after, and returns the last of them: none when there is nothing more
// to hold. It skips deliveries that are locked: an attempt that is being recorded shares its commit with others, and
// waiting for one delivery of such a commit while having locked another is a deadlock.
func holdSome(tx *gorm.DB, subscriptionID, after string) (last string, err error) {
	statuses, err := lockStatuses(tx, []string{subscriptionID})
	if err != nil || statuses[subscriptionID] != models.SubscriptionPaused {
		return "", err
	}
	var ids []string
	pending := openDeliveries(tx, subscriptionID, models.DeliveryPending).Clauses(forUpdateIfFree)
	if err := sweep(pending, after, holdPage).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[len(ids)-1], tx.Model(&deliveryRow{}).Where("id IN ?", ids).
		Updates(map[string]any{"status": models.DeliveryHeld, "updated_at": now()}).Error
}

func openDeliveries(tx *gorm.DB, subscriptionID string, statuses ...models.DeliveryStatus) *gorm.DB {
	return selected(tx.Model(&deliveryRow{}), models.Selection{SubscriptionID: subscriptionID, Statuses: statuses})
}

// ResumingSubscriptions returns up to limit subscriptions whose held deliveries are being released, with ids above after,
// by id. Only their id, tenant, status and resume rate are filled in.
func (s *Store) ResumingSubscriptions(ctx context.Context, after string, limit int) ([]*models.Subscription, error) {
	// The condition is a literal so that both databases see that the partial index applies.
	q := s.read.WithContext(ctx).Select("id", "tenant", "status", "resume_rate").Where("resume_rate > 0")
	return list(sweep(q, after, limit), "list resuming subscriptions", func(r *subscriptionRow) *models.Subscription {
		return &models.Subscription{ID: r.ID, Tenant: r.Tenant, Status: r.Status, ResumeRate: r.ResumeRate}
	})
}

// FinishResume notes that none of the subscription's deliveries is held any more, if that is so, and reports whether
// there is nothing left to release: also when the subscription has been paused again, or is gone.
func (s *Store) FinishResume(ctx context.Context, id string) (finished bool, err error) {
	err = s.inTransaction(ctx, "finish resume", func(tx *gorm.DB) error {
		// Holding a delivery takes the same lock.
		row, err := take[subscriptionRow](tx.Clauses(forUpdate).Select("id", "status"), "subscription", id)
		gone := models.ErrorCode(err) == models.CodeNotFound
		if err != nil && !gone {
			return err
		}
		var held int64
		if err := openDeliveries(tx, id, models.DeliveryHeld).Limit(1).Count(&held).Error; err != nil {
			return err
		}
		if finished = held == 0 || row != nil && row.Status == models.SubscriptionPaused; held > 0 || gone {
			return nil
		}
		return tx.Model(row).UpdateColumn("resume_rate", 0).Error
	})
	return finished && err == nil, err
}
