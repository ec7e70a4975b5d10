package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// PlanGroup is PlanDeliveries for the events of a tenant that one workflow plans, in one transaction. It plans the events
// that nobody has planned, and passes over the events that another workflow has planned and those that are gone. Calling it
// again for the workflow changes nothing and returns the targets that are left. At least one event must be given.
//
// An event with more than models.MaxTargets deliveries, and events beyond models.MaxGroupDeliveries deliveries, are left as
// they are, and returned as GroupPlan.Wide and GroupPlan.Rest.
func (s *Store) PlanGroup(
	ctx context.Context, workflowID string, eventIDs []string, claim models.Claim,
) (models.GroupPlan, error) {
	r := &planRequest{eventIDs: eventIDs, plannedBy: workflowID, claim: claim, most: models.MaxTargets + 1}
	err := s.inTransaction(ctx, "plan group", func(tx *gorm.DB) error { return s.plan(tx, []*planRequest{r}) })
	if err != nil {
		return models.GroupPlan{}, err
	}
	r.remember()
	if len(r.again) > 0 {
		before, err := s.groupTargets(ctx, r.again)
		if err != nil {
			return models.GroupPlan{}, err
		}
		r.plan.Targets = append(before, r.plan.Targets...)
	}
	return r.plan, nil
}

// groupTargetRow is a targetRow with its event.
type groupTargetRow struct {
	Target    targetRow  `gorm:"embedded"`
	EventID   string     `gorm:"column:event_id"`
	EventType string     `gorm:"column:event_type"`
	Failing   *time.Time `gorm:"column:failing_since"`
}

func (r *groupTargetRow) model() models.GroupTarget {
	return models.GroupTarget{
		EventRef: models.EventRef{EventID: r.EventID, EventType: r.EventType}, Target: r.Target.model(), FailingSince: fromNullTime(r.Failing),
	}
}

// groupTargets returns the targets of planned events.
func (s *Store) groupTargets(ctx context.Context, eventIDs []string) ([]models.GroupTarget, error) {
	q := targets(s.read.WithContext(ctx)).Select(targetColumns + ", d.event_id, d.event_type, d.failing_since").
		Order("d.event_id, d.position")
	return list(anyOf(q, "d.event_id", eventIDs), "list targets", (*groupTargetRow).model)
}

// GiveBack ends the claims on those of the deliveries that have no attempt: whoever comes first makes it.
func (s *Store) GiveBack(ctx context.Context, deliveryIDs []string) error {
	return s.inTransaction(ctx, "give back deliveries", func(tx *gorm.DB) error {
		var ids []string // in the order in which all transactions lock
		claimed := tx.Clauses(forUpdate).Model(&deliveryRow{}).Where("id IN ? AND attempts = 0", deliveryIDs)
		if err := claimed.Order("id").Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
			return err
		}
		return tx.Model(&deliveryRow{}).Where("id IN ?", ids).
			UpdateColumns(map[string]any{"claimed_until": nil, "updated_at": now()}).Error
	})
}
