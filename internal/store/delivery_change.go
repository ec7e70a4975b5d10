package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// CloseDelivery ends a pending or held delivery with the given status and reason. A delivery that is closed already stays
// as it is. It returns the status in force afterwards, or a CodeNotFound error. The program itself closes deliveries with
// it; operators use CancelDelivery.
func (s *Store) CloseDelivery(
	ctx context.Context, id string, status models.DeliveryStatus, reason string,
) (models.DeliveryStatus, error) {
	if !status.Closed() {
		return "", models.Errorf(models.CodeInvalid, "a delivery cannot be closed as %s", status)
	}
	err := s.inTransaction(ctx, "close delivery", func(tx *gorm.DB) error {
		row, err := lockDelivery(tx, id)
		if err != nil {
			return err
		}
		if row.Status.Closed() {
			status = row.Status
			return nil
		}
		row.close(status, reason)
		return saveState(tx, row)
	})
	if err != nil {
		return "", err
	}
	return status, nil
}

// CancelDelivery cancels a delivery that is pending, held or exhausted, and returns it as it is afterwards: a delivered or
// cancelled delivery stays so. An unknown delivery is a CodeNotFound error. The change and its audit entry share a commit.
// A call whose origin is in the audit already changes nothing, unless the origin is empty; nor does a
// call for the deliveries of an epoch before the given one, 0 for all, if this delivery has been redelivered since.
func (s *Store) CancelDelivery(
	ctx context.Context, id string, why models.Why, origin string, before int64,
) (*models.Delivery, error) {
	var after *models.Delivery
	err := s.inTransaction(ctx, "cancel delivery", func(tx *gorm.DB) error {
		row, err := lockDelivery(tx, id)
		if err != nil {
			return err
		}
		if before == 0 || row.Epoch < before {
			err = cancelRow(tx, row, why, origin)
		}
		after = row.model()
		return err
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

func cancelRow(tx *gorm.DB, row *deliveryRow, why models.Why, origin string) error {
	if row.Status == models.DeliveryDelivered || row.Status == models.DeliveryCancelled {
		return nil
	}
	added, err := addAudit(tx, row.audit(models.AuditCancelDelivery, why, origin))
	if err != nil || !added {
		return err
	}
	row.close(models.DeliveryCancelled, why.Words())
	return saveState(tx, row)
}

// BringForward makes the next attempt of a delivery due at the given time. A pending one counts it as forwarded if it
// was due later, unless the event's workflow is making its first attempt just then. A held one stays held. A closed one is pending again and begins its schedule anew, unless it was
// delivered by an attempt above after: then the redelivery has happened. A delivery whose subscription is disabled or gone
// stays as it closed. An unknown delivery is a CodeNotFound error.
//
// Epoch is the tenant's epoch in which the redelivery was asked for, 0 for the present one. A closed delivery that was stopped
// since stays closed; the next attempt of an open one finds the stop.
//
// The change and its audit entry share a commit. A call whose origin is in the audit already changes nothing, unless the
// origin is empty: the call is a repetition, after a crash.
func (s *Store) BringForward(
	ctx context.Context, id string, at time.Time, after int, why models.Why, origin string, epoch int64,
) error {
	return s.withSubscription(ctx, "bring delivery forward", id, func(tx *gorm.DB, row *deliveryRow, of models.SubscriptionStatus) error {
		done := row.Status == models.DeliveryDelivered && row.Attempts > after
		impossible := row.Status.Closed() && (of == "" || of == models.SubscriptionDisabled)
		if done || impossible {
			return nil
		}
		before := row.Epoch
		if stopped, err := renew(tx, row, epoch); err != nil || stopped && row.Status.Closed() {
			return err
		}
		added, err := addAudit(tx, row.audit(models.AuditRedeliverDelivery, why, origin))
		if err != nil || !added {
			return err
		}
		if row.Status != models.DeliveryHeld && !row.claimed(at) {
			row.bringForward(at)
		} else if row.Epoch == before {
			return nil
		}
		return saveState(tx, row)
	})
}

// renew takes the delivery for one that was wanted in the epoch, 0 for the present one, and reports whether it has been
// stopped since even so.
func renew(tx *gorm.DB, row *deliveryRow, epoch int64) (stopped bool, err error) {
	present, err := epochNow(tx, row.Tenant)
	if err != nil {
		return false, err
	}
	if epoch == 0 {
		epoch = present
	}
	if epoch > row.Epoch || row.Epoch > present { // above the present one are only unknown ones
		row.Epoch = epoch
	}
	why, err := stoppedDelivery(tx, row)
	return why != nil, err
}

// lockDelivery reads the delivery, and keeps others from changing it until the end of the transaction.
func lockDelivery(tx *gorm.DB, id string) (*deliveryRow, error) {
	return take[deliveryRow](tx.Clauses(forUpdate), "delivery", id)
}

// close makes it due no more.
func (r *deliveryRow) close(status models.DeliveryStatus, reason string) {
	r.Status, r.Reason, r.NextAttemptAt, r.Halted = status, cleanText(reason), nil, ""
}

// bringForward makes it pending and due at the given time. The schedule of a closed one begins anew.
func (r *deliveryRow) bringForward(at time.Time) {
	switch {
	case r.Status.Closed():
		r.Forwarded = r.Attempts
	case r.NextAttemptAt != nil && r.NextAttemptAt.After(at):
		r.Forwarded++
	}
	r.Status, r.Reason, r.NextAttemptAt, r.Halted = models.DeliveryPending, "", &at, ""
}

// claimed reports whether the event's workflow may be making an attempt.
func (r *deliveryRow) claimed(at time.Time) bool {
	return r.Status == models.DeliveryPending && r.ClaimedUntil != nil && models.ClaimLeft(*r.ClaimedUntil, at) > 0
}

func (r *deliveryRow) audit(action models.AuditAction, why models.Why, origin string) models.AuditEntry {
	return models.AuditEntry{Tenant: r.Tenant, Action: action, Subject: r.ID, Why: why, Origin: origin}
}

// saveState stores what close and bringForward change.
func saveState(tx *gorm.DB, row *deliveryRow) error {
	row.UpdatedAt = now()
	return tx.Select("status", "reason", "next_attempt_at", "forwarded", "epoch", "halted", "updated_at").Updates(row).Error
}
