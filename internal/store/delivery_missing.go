package store

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// MissingEvents returns up to limit planned events with ids above after, oldest first, that were created at or after
// since and before until and match the subscription's patterns, but have no delivery to it: it was not there, or not
// active, or did not want them when they were planned. Only their id, tenant and type are filled in. An unknown
// subscription is a CodeNotFound error.
func (s *Store) MissingEvents(
	ctx context.Context, subscriptionID string, since, until time.Time, after string, limit int,
) ([]*models.Event, error) {
	sub, err := s.patternsOf(ctx, subscriptionID)
	if err != nil {
		return nil, translate("list missing events", err)
	}
	q := s.missing(ctx, sub, since, until).Select("id", "tenant", "type")
	return list(sweep(q, after, limit), "list missing events", (*eventRow).brief)
}

// CountMissing returns how many events MissingEvents has to tell of.
func (s *Store) CountMissing(ctx context.Context, subscriptionID string, since, until time.Time) (int, error) {
	sub, err := s.patternsOf(ctx, subscriptionID)
	if err != nil {
		return 0, translate("count missing events", err)
	}
	var count int64
	err = s.missing(ctx, sub, since, until).Count(&count).Error
	return int(count), translate("count missing events", err)
}

// patternsOf reads the tenant and the patterns of a subscription.
func (s *Store) patternsOf(ctx context.Context, id string) (*subscriptionRow, error) {
	q := s.read.WithContext(ctx).Select("id", "tenant", "event_types")
	return take[subscriptionRow](q, "subscription", id)
}

func (s *Store) missing(ctx context.Context, sub *subscriptionRow, since, until time.Time) *gorm.DB {
	matches, types := matching(sub.EventTypes)
	there := s.read.Model(&deliveryRow{}).Select("1").Where("event_id = events.id AND subscription_id = ?", sub.ID)
	q := s.read.WithContext(ctx).Model(&eventRow{}).Where("tenant = ? AND status = ?", sub.Tenant, models.EventPlanned)
	return createdBetween(q, since, until).
		Where(matches, types...).
		Where(hasPayload(q)).
		Where("NOT EXISTS (?)", there)
}

// matching is the condition that one of the patterns matches an event's type: the reverse of models.Patterns.
func matching(patterns []string) (condition string, args []any) {
	conditions := make([]string, len(patterns))
	for i, pattern := range patterns {
		prefix, isPrefix := strings.CutSuffix(pattern, ".*")
		switch {
		case pattern == models.MatchAll:
			return "1 = 1", nil
		case isPrefix:
			conditions[i] = "type >= ? AND type < ?"
			args = append(args, prefix+".", prefix+"/") // the slash is what follows the dot
		default:
			conditions[i] = "type = ?"
			args = append(args, pattern)
		}
	}
	return "(" + strings.Join(conditions, " OR ") + ")", args
}

// AddDelivery makes the delivery to the subscription that the planned event lacks, held if the subscription is paused,
// or returns the one that is there. It counts as wanted in the epoch, 0 for the present one. An event that is not planned yet, or a disabled subscription, is a CodeConflict
// error; an event that is unknown or has no payload any more, or a subscription that its tenant does not have, is CodeNotFound.
func (s *Store) AddDelivery(ctx context.Context, eventID, subscriptionID string, epoch int64) (*models.Delivery, error) {
	var row *deliveryRow
	err := s.inTransaction(ctx, "add delivery", func(tx *gorm.DB) error {
		q := tx.Clauses(forUpdate).Select("id", "tenant", "type", "status", "deliveries").Where(hasPayload(tx))
		event, err := take[eventRow](q, "event", eventID)
		if err != nil {
			return err
		}
		var there []deliveryRow
		err = tx.Where("event_id = ? AND subscription_id = ?", eventID, subscriptionID).Find(&there).Error
		if err != nil {
			return err
		}
		if len(there) > 0 {
			row = &there[0]
			return nil
		}
		if epoch == 0 {
			if epoch, err = epochNow(tx, event.Tenant); err != nil {
				return err
			}
		}
		if err = markInlined(tx, eventID); err != nil {
			return err
		}
		event.Epoch = epoch
		row, err = addDelivery(tx, event, subscriptionID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.model(), nil
}

func addDelivery(tx *gorm.DB, event *eventRow, subscriptionID string) (*deliveryRow, error) {
	if event.Status != models.EventPlanned {
		return nil, models.Errorf(models.CodeConflict, "event %s is not planned yet", event.ID)
	}
	q := tx.Clauses(forShare).Where("tenant = ?", event.Tenant).Select("id", "payload", "properties", "status")
	sub, err := take[subscriptionRow](q, "subscription", subscriptionID)
	if err != nil {
		return nil, err
	}
	if models.FirstStatus(sub.Status) == "" {
		return nil, models.Errorf(models.CodeConflict, "subscription %s is disabled", sub.ID)
	}
	row := newDeliveryRow(event, &subscriber{ID: sub.ID, Payload: sub.Payload, Properties: sub.Properties, Status: sub.Status}, now())
	if err := tx.Create(row).Error; err != nil {
		return nil, err
	}
	return row, tx.Model(event).Update("deliveries", event.Deliveries+1).Error
}
