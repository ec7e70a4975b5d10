package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// CreateSubscription stores the subscription, which must be valid, and the audit entries about that. A taken id is a
// CodeConflict error, and so is a tenant that may have no more subscriptions.
func (s *Store) CreateSubscription(ctx context.Context, sub *models.Subscription, audit ...models.AuditEntry) error {
	if sub.Status == models.SubscriptionPaused {
		sub.PausedAt, sub.Paused = sub.CreatedAt, lastWhy(audit)
	}
	row, err := s.newSubscriptionRow(sub)
	if err != nil {
		return translate("create subscription", err)
	}
	return s.inTransaction(ctx, "create subscription", func(tx *gorm.DB) error {
		if err := mayHaveAnother(tx, sub.Tenant); err != nil {
			return err
		}
		if err := tx.Create(row).Error; err != nil {
			return err
		}
		if err := tx.Create(newPatternRows(sub)).Error; err != nil {
			return err
		}
		return addAudits(tx, sub.Tenant, sub.ID, audit)
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
	return s.opened(row)
}

// opened opens all that is sealed.
func (s *Store) opened(row *subscriptionRow) (*models.Subscription, error) {
	sub, err := s.withAccess(row)
	if err != nil {
		return nil, err
	}
	if err := s.unseal(row.Secrets, secretsOf(row.ID), &sub.Secrets); err != nil {
		return nil, fmt.Errorf("secrets of %s: %w", row.ID, err)
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

// SubscriptionURLs returns the URL of each of the subscriptions that is there, by id.
func (s *Store) SubscriptionURLs(ctx context.Context, ids []string) (map[string]string, error) {
	var rows []struct{ ID, URL string }
	err := s.read.WithContext(ctx).Model(&subscriptionRow{}).Select("id", "url").Where("id IN ?", ids).Find(&rows).Error
	urls := make(map[string]string, len(rows))
	for _, row := range rows {
		urls[row.ID] = row.URL
	}
	return urls, translate("read URLs of subscriptions", err)
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

// DeleteSubscription removes the subscription, or returns a CodeNotFound error. Its deliveries and their attempts stay as
// the audit trail. The audit entries are written in the same commit.
func (s *Store) DeleteSubscription(ctx context.Context, id string, audit ...models.AuditEntry) error {
	return s.inTransaction(ctx, "delete subscription", func(tx *gorm.DB) error {
		row, err := take[subscriptionRow](tx.Clauses(forUpdate).Select("id", "tenant"), "subscription", id)
		if err != nil {
			return err
		}
		if err := tx.Delete(row).Error; err != nil { // its patterns go with it
			return err
		}
		if _, err := addStop(tx, row.Tenant, id, stopWhy(audit, "the subscription was deleted")); err != nil {
			return err
		}
		return addAudits(tx, row.Tenant, id, audit)
	})
}

// stopWhy is why what waits for a subscription is stopped with it.
func stopWhy(audit []models.AuditEntry, reason string) models.Why {
	why := lastWhy(audit)
	return models.Why{By: why.By, Reason: cmp.Or(why.Reason, reason)}
}

// lastWhy is what the audit entries, of which there is one at most, say about why.
func lastWhy(audit []models.AuditEntry) (why models.Why) {
	for _, entry := range audit {
		why = entry.Why
	}
	return why
}

// disable makes the subscription receive no more events and notes why, in the audit as well. A subscription that is disabled already keeps its
// first reason. An unknown subscription is a CodeNotFound error.
func disable(tx *gorm.DB, id string, why models.Why) error {
	row, err := take[subscriptionRow](tx.Clauses(forUpdate).Select("id", "tenant", "status"), "subscription", id)
	if err != nil || row.Status == models.SubscriptionDisabled {
		return err
	}
	if _, err := addStop(tx, row.Tenant, id, why); err != nil {
		return err
	}
	entry := models.AuditEntry{Tenant: row.Tenant, Subject: id, Action: models.AuditDisableSubscription, Why: why}
	if _, err := addAudit(tx, entry); err != nil {
		return err
	}
	columns := map[string]any{
		"paused_at": nil, "paused_by": "", "paused_reason": "",
		"status": models.SubscriptionDisabled, "disabled_reason": cleanText(why.Reason), "updated_at": now(),
	}
	if row.Status == models.SubscriptionPaused {
		columns["resume_rate"] = models.DefaultRate // whoever lets the held ones go, so that they are cancelled
	}
	return tx.Model(row).Updates(columns).Error
}

// UpdateSubscription changes the subscription by calling change on it while its row is locked, validates and stores
// the result, and returns it. An error of change or of the validation is returned and nothing is stored. The id, the
// tenant and the creation time cannot be changed; only a disabled subscription has a DisabledReason. Change must not use
// the store. The audit entries tell of it, in the same commit.
//
// Of a subscription that becomes paused no further attempt begins once that is committed; then its pending deliveries are
// held, which goes on when the context ends, see holdTime. A subscription that is no longer paused releases its held
// deliveries at the ResumeRate that change gave it, 0 for models.DefaultRate. The rate can be changed until all are
// released, and not be set at any other time. What waits for a subscription that becomes disabled is
// stopped for good, see CancelWaiting.
func (s *Store) UpdateSubscription(
	ctx context.Context, id string, change func(*models.Subscription) error, audit ...models.AuditEntry,
) (*models.Subscription, error) {
	var before, after *models.Subscription
	err := s.inTransaction(ctx, "update subscription", func(tx *gorm.DB) (err error) {
		if before, err = s.readSubscription(tx.Clauses(forUpdate), id); err != nil {
			return err
		}
		if after, err = applyChange(before, change, audit); err != nil {
			return err
		}
		if err := s.saveSubscription(tx, before, after); err != nil {
			return err
		}
		if after.Status == models.SubscriptionDisabled && before.Status != models.SubscriptionDisabled {
			if _, err := addStop(tx, after.Tenant, id, stopWhy(audit, "the subscription is disabled")); err != nil {
				return err
			}
		}
		return addAudits(tx, after.Tenant, id, audit)
	})
	if err != nil {
		return nil, err
	}
	if after.Status == models.SubscriptionPaused && before.Status != models.SubscriptionPaused {
		s.holdPending(ctx, id)
	}
	return after, nil
}

func applyChange(
	before *models.Subscription, change func(*models.Subscription) error, audit []models.AuditEntry,
) (*models.Subscription, error) {
	after := before.Clone()
	if err := change(after); err != nil {
		return nil, err
	}
	after.ID, after.Tenant, after.CreatedAt = before.ID, before.Tenant, before.CreatedAt
	after.UpdatedAt = now()
	after.ResumeRate = resumeRate(before, after)
	after.PausedAt, after.Paused = before.PausedAt, before.Paused
	switch {
	case after.Status != models.SubscriptionPaused:
		after.PausedAt, after.Paused = time.Time{}, models.Why{}
	case before.Status != models.SubscriptionPaused:
		after.PausedAt, after.Paused = after.UpdatedAt, lastWhy(audit)
	}
	if after.Status != models.SubscriptionDisabled {
		after.DisabledReason = ""
	}
	return after, after.Validate()
}

func resumeRate(before, after *models.Subscription) int {
	switch {
	case after.Status == models.SubscriptionPaused:
		return 0
	case before.Status == models.SubscriptionPaused:
		return cmp.Or(after.ResumeRate, models.DefaultRate)
	case before.ResumeRate == 0:
		return 0 // nothing is held
	default:
		return cmp.Or(after.ResumeRate, before.ResumeRate)
	}
}

func (s *Store) saveSubscription(tx *gorm.DB, before, after *models.Subscription) error {
	row, err := s.newSubscriptionRow(after)
	if err != nil {
		return err
	}
	if err := tx.Select("*").Updates(row).Error; err != nil { // "*": zero values, too
		return err
	}
	if !slices.Equal(before.EventTypes, after.EventTypes) {
		return replacePatterns(tx, after)
	}
	return nil
}

func replacePatterns(tx *gorm.DB, sub *models.Subscription) error {
	if err := tx.Where("subscription_id = ?", sub.ID).Delete(&patternRow{}).Error; err != nil {
		return err
	}
	return tx.Create(newPatternRows(sub)).Error
}
