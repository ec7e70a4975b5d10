package store

import (
	"context"
	"reflect"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// ChangeDelivery applies the change to the delivery (models.Delivery.Apply) and returns the delivery as it is afterwards,
// whether the change took effect or not. An unknown delivery is a CodeNotFound error. If the change is an operator's, its
// audit entry shares the commit. A change whose origin is in the audit already has no effect: it is a repetition.
func (s *Store) ChangeDelivery(ctx context.Context, id string, change models.Change) (*models.Delivery, error) {
	change.At = change.At.UTC().Truncate(time.Microsecond) // as it is stored
	var after *models.Delivery
	err := s.inTransaction(ctx, string(change.Act)+" delivery", func(tx *gorm.DB) error {
		row, facts, err := lockForChange(tx, id, change)
		if err != nil {
			return err
		}
		if after, err = changed(tx, row, change, facts); err != nil {
			return err
		}
		return saveState(tx, row, after)
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// changed returns the delivery of the row after the change, and adds the change to the audit.
func changed(tx *gorm.DB, row *deliveryRow, change models.Change, facts models.Facts) (*models.Delivery, error) {
	delivery := row.model()
	action := change.Audit()
	if !delivery.Apply(change, facts) || action == "" {
		return delivery, nil
	}
	entry := models.AuditEntry{Tenant: row.Tenant, Action: action, Subject: row.ID, Why: change.Why, Origin: change.Origin}
	added, err := addAudit(tx, entry)
	if !added {
		return row.model(), err
	}
	return delivery, err
}

// These acts depend on the status of the subscription, and on the stops of the delivery.
var (
	needSubscription = []models.Act{models.ActHold, models.ActRelease, models.ActRedeliver}
	needStops        = []models.Act{models.ActStop, models.ActRelease, models.ActRedeliver}
)

// lockForChange locks the delivery, and reads the facts that matter to the change. If the subscription matters, it locks
// the subscription first: a change of the subscription either comes before, and is among the facts, or comes after and sees
// the delivery as the change leaves it.
func lockForChange(tx *gorm.DB, id string, change models.Change) (row *deliveryRow, facts models.Facts, err error) {
	if slices.Contains(needSubscription, change.Act) {
		if facts.Subscription, err = lockSubscriptionOf(tx, id); err != nil {
			return nil, facts, err
		}
	}
	if change.Act == models.ActRedeliver { // the event before the delivery, the order of all locks
		if err = markInlinedOf(tx, id); err != nil {
			return nil, facts, err
		}
	}
	if row, err = lockDelivery(tx, id); err != nil {
		return nil, facts, err
	}
	if change.Act == models.ActRedeliver {
		if facts.Epoch, err = epochNow(tx, row.Tenant); err != nil {
			return nil, facts, err
		}
	}
	if slices.Contains(needStops, change.Act) {
		facts.Stopped, err = stoppedDelivery(tx, row, row.model().EpochAfter(change, facts.Epoch))
	}
	return row, facts, err
}

// lockSubscriptionOf locks the subscription of a delivery and returns its status, which is empty if the subscription is
// gone.
func lockSubscriptionOf(tx *gorm.DB, deliveryID string) (models.SubscriptionStatus, error) {
	delivery, err := take[deliveryRow](tx.Select("subscription_id"), "delivery", deliveryID)
	if err != nil {
		return "", err
	}
	statuses, err := lockStatuses(tx, []string{delivery.SubscriptionID})
	return statuses[delivery.SubscriptionID], err
}

// markInlinedOf locks the event of the delivery, and is markInlined for it.
func markInlinedOf(tx *gorm.DB, deliveryID string) error {
	delivery, err := take[deliveryRow](tx.Select("event_id"), "delivery", deliveryID)
	if err != nil {
		return err
	}
	event, err := take[eventRow](tx.Clauses(forUpdate).Select("id"), "event", delivery.EventID)
	if err != nil {
		return err
	}
	return markInlined(tx, event.ID)
}

// lockDelivery reads the delivery, and keeps others from changing it until the end of the transaction.
func lockDelivery(tx *gorm.DB, id string) (*deliveryRow, error) {
	return take[deliveryRow](tx.Clauses(forUpdate), "delivery", id)
}

// saveState stores the parts of a delivery that a change may change, unless nothing has changed.
func saveState(tx *gorm.DB, row *deliveryRow, after *models.Delivery) error {
	if reflect.DeepEqual(row.model(), after) {
		return nil
	}
	if after.Status == models.DeliveryCancelled && !row.Status.Closed() {
		if err := markCancelled(tx, row); err != nil {
			return err
		}
	}
	row.takeState(after)
	row.UpdatedAt = now()
	*after = *row.model()
	return tx.Select("status", "reason", "next_attempt_at", "forwarded", "epoch", "halted", "updated_at").Updates(row).Error
}

// takeState copies the parts of a delivery that a change may change.
func (r *deliveryRow) takeState(d *models.Delivery) {
	r.Status, r.Reason, r.NextAttemptAt = d.Status, cleanText(d.Reason), nullTime(d.NextAttemptAt)
	r.Forwarded, r.Epoch, r.Halted = d.Forwarded, d.Epoch, d.Halted
}
