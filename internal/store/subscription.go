package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// CreateSubscription stores the subscription, which must be valid. A taken id is a CodeConflict error.
func (s *Store) CreateSubscription(ctx context.Context, sub *models.Subscription) error {
	row, err := s.newSubscriptionRow(sub)
	if err != nil {
		return translate("create subscription", err)
	}
	return s.inTransaction(ctx, "create subscription", func(tx *gorm.DB) error {
		if err := tx.Create(row).Error; err != nil {
			return err
		}
		return tx.Create(newPatternRows(sub)).Error
	})
}

// Subscription returns the subscription with the id, its secrets opened, or a CodeNotFound error.
func (s *Store) Subscription(ctx context.Context, id string) (*models.Subscription, error) {
	sub, err := s.readSubscription(s.read.WithContext(ctx), id)
	return sub, translate("read subscription", err)
}

func (s *Store) readSubscription(q *gorm.DB, id string) (*models.Subscription, error) {
	row, err := take[subscriptionRow](q, "subscription", id)
	if err != nil {
		return nil, err
	}
	sub, err := s.withAccess(row)
	if err != nil {
		return nil, err
	}
	if err := s.unseal(row.Secrets, secretsOf(id), &sub.Secrets); err != nil {
		return nil, fmt.Errorf("secrets of %s: %w", id, err)
	}
	return sub, nil
}

// withAccess opens all but the signing secrets.
func (s *Store) withAccess(row *subscriptionRow) (*models.Subscription, error) {
	sub, err := row.model()
	if err != nil {
		return nil, err
	}
	if err := s.unseal(row.Headers, headersOf(row.ID), &sub.Headers); err != nil {
		return nil, fmt.Errorf("headers of %s: %w", row.ID, err)
	}
	var a access
	if err := s.unseal(row.Access, accessOf(row.ID), &a); err != nil {
		return nil, fmt.Errorf("access of %s: %w", row.ID, err)
	}
	sub.Auth, sub.TLS = a.Auth, a.TLS
	return sub, nil
}

// Subscriptions returns a page of the subscriptions that the filter selects, newest first by id, without their secrets:
// those stay sealed unless one subscription is asked for. Page.Limit is honoured up to models.MaxPageLimit+1.
func (s *Store) Subscriptions(
	ctx context.Context, f models.SubscriptionFilter,
) ([]*models.Subscription, error) {
	q := equal(s.read.WithContext(ctx).Omit("secrets"), "tenant", f.Tenant)
	q = equal(q, "status", f.Status)
	var rows []subscriptionRow
	if err := page(q, f.Page).Find(&rows).Error; err != nil {
		return nil, translate("list subscriptions", err)
	}
	subs := make([]*models.Subscription, len(rows))
	for i := range rows {
		var err error
		if subs[i], err = s.withAccess(&rows[i]); err != nil {
			return nil, translate("list subscriptions", err)
		}
	}
	return subs, nil
}

// DeleteSubscription removes the subscription, or returns a CodeNotFound error. Its deliveries and their attempts stay
// as the audit trail.
func (s *Store) DeleteSubscription(ctx context.Context, id string) error {
	deleted := s.write.WithContext(ctx).Where("id = ?", id).Delete(&subscriptionRow{}) // its patterns go with it
	if deleted.Error == nil && deleted.RowsAffected == 0 {
		return models.NotFound("subscription", id)
	}
	return translate("delete subscription", deleted.Error)
}

// disable makes the subscription receive no more events and notes why. One that is disabled already keeps its first
// reason. A CodeNotFound error says that there is none.
func disable(tx *gorm.DB, id, reason string) error {
	row, err := take[subscriptionRow](tx.Clauses(forUpdate).Select("id", "status"), "subscription", id)
	if err != nil || row.Status == models.SubscriptionDisabled {
		return err
	}
	return tx.Model(row).Updates(map[string]any{
		"status": models.SubscriptionDisabled, "disabled_reason": cleanText(reason), "updated_at": now(),
	}).Error
}

// UpdateSubscription changes the subscription by calling change on it while its row is locked, validates and stores
// the result, and returns it. An error of change or of the validation is returned and nothing is stored. The id, the
// tenant and the creation time cannot be changed; an active subscription has no DisabledReason. Change must not use
// the store.
func (s *Store) UpdateSubscription(
	ctx context.Context, id string, change func(*models.Subscription) error,
) (*models.Subscription, error) {
	var after *models.Subscription
	err := s.inTransaction(ctx, "update subscription", func(tx *gorm.DB) error {
		before, err := s.readSubscription(tx.Clauses(forUpdate), id)
		if err != nil {
			return err
		}
		if after, err = applyChange(before, change); err != nil {
			return err
		}
		return s.saveSubscription(tx, before, after)
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

func applyChange(
	before *models.Subscription, change func(*models.Subscription) error,
) (*models.Subscription, error) {
	after := before.Clone()
	if err := change(after); err != nil {
		return nil, err
	}
	after.ID, after.Tenant, after.CreatedAt = before.ID, before.Tenant, before.CreatedAt
	after.UpdatedAt = now()
	if after.Status == models.SubscriptionActive {
		after.DisabledReason = ""
	}
	return after, after.Validate()
}

func (s *Store) saveSubscription(tx *gorm.DB, before, after *models.Subscription) error {
	row, err := s.newSubscriptionRow(after)
	if err != nil {
		return err
	}
	if err := tx.Select("*").Updates(row).Error; err != nil { // "*": zero values, too
		return err
	}
	if slices.Equal(before.EventTypes, after.EventTypes) {
		return nil
	}
	if err := tx.Where("subscription_id = ?", after.ID).Delete(&patternRow{}).Error; err != nil {
		return err
	}
	return tx.Create(newPatternRows(after)).Error
}
