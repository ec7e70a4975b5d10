package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// PlanGroup is PlanDeliveries for the events of a tenant that one workflow plans, in one transaction. It plans the events
// that nobody has planned, and passes over the events that another workflow has planned and those that are gone. Calling it
// again for the workflow changes nothing and returns the targets that are left. At least one event must be given.
//
// An event with more than models.MaxTargets deliveries, and events beyond models.MaxGroupDeliveries deliveries, are left as
// they are, and returned as GroupPlan.Others.
func (s *Store) PlanGroup(
	ctx context.Context, workflowID string, eventIDs []string, claim models.Claim,
) (models.GroupPlan, error) {
	var g *grouping
	err := s.inTransaction(ctx, "plan group", func(tx *gorm.DB) error {
		g = &grouping{tx: tx, memory: s.memory, workflowID: workflowID, claim: claim, due: now(), matches: map[string]*planning{}, byCount: map[int][]string{}}
		return g.run(eventIDs)
	})
	if err != nil {
		return models.GroupPlan{}, err
	}
	for _, p := range g.matches {
		p.remember()
	}
	if len(g.again) > 0 {
		before, err := s.groupTargets(ctx, g.again)
		if err != nil {
			return models.GroupPlan{}, err
		}
		g.plan.Targets = append(before, g.plan.Targets...)
	}
	return g.plan, nil
}

// grouping is one run of PlanGroup.
type grouping struct {
	tx         *gorm.DB
	memory     *memory
	workflowID string
	claim      models.Claim
	due        time.Time

	plan    models.GroupPlan
	again   []string             // ids of the events that an earlier run has planned
	matches map[string]*planning // the first one of each type of event, with all candidates of the type
	rows    []*deliveryRow
	byCount map[int][]string // ids of the events planned, by their number of deliveries
}

func (g *grouping) run(eventIDs []string) error {
	var events []*versioned[eventRow]
	q := selectVersioned[eventRow](g.tx.Clauses(forUpdate), planColumns...)
	if err := q.Where("id IN ?", eventIDs).Order("id").Find(&events).Error; err != nil {
		return err
	}
	var todo []*planning
	for _, event := range events {
		switch {
		case event.Row.Status == models.EventAccepted:
			todo = append(todo, g.planning(event))
		case event.Row.PlannedBy == g.workflowID:
			g.again = append(g.again, event.Row.ID)
			g.count(event.Row.Deliveries)
		}
	}
	if err := g.match(todo); err != nil {
		return err
	}
	for _, p := range todo {
		g.add(p)
	}
	return g.save()
}

func (g *grouping) planning(event *versioned[eventRow]) *planning {
	return &planning{
		tx: g.tx, memory: g.memory, event: &event.Row, version: event.Version, present: event.Present, claim: g.claim,
		most: models.MaxTargets + 1,
	}
}

func (g *grouping) count(deliveries int) {
	g.plan.Events++
	g.plan.Deliveries += deliveries
}

// match finds the candidates of each type of event once, and what stops any of the events for them.
func (g *grouping) match(todo []*planning) error {
	for _, p := range todo {
		if g.matches[p.event.Type] != nil {
			continue
		}
		found, err := p.candidates("")
		if err != nil {
			return err
		}
		if p.wide = len(found) >= p.most; !p.wide {
			if found, err = lockPaused(g.tx, found); err != nil {
				return err
			}
		}
		p.found = found
		g.matches[p.event.Type] = p
	}
	return g.stop(todo)
}

// stop reads the stops of all the events in one query.
func (g *grouping) stop(todo []*planning) error {
	var subjects []string
	epoch := int64(models.UnknownEpoch)
	for _, p := range todo {
		if found := g.matches[p.event.Type].found; p.stoppable(found) {
			subjects = append(append(subjects, p.event.ID), subscriberIDs(found)...)
			epoch = min(epoch, p.event.Epoch.epoch)
		}
	}
	if subjects == nil {
		return nil
	}
	slices.Sort(subjects)
	stops, err := stopsSince(g.tx, todo[0].event.Tenant, epoch, slices.Compact(subjects)...)
	for _, p := range todo {
		p.stops = stops.since(p.event.Epoch.epoch)
	}
	return err
}

// add plans an event, unless it needs a plan of its own.
func (g *grouping) add(p *planning) {
	match := g.matches[p.event.Type]
	if match.wide || len(g.rows) > 0 && len(g.rows)+len(match.found) > models.MaxGroupDeliveries {
		g.plan.Others = append(g.plan.Others, models.EventRef{EventID: p.event.ID, EventType: p.event.Type})
		return
	}
	g.rows = append(g.rows, p.rows(match.found, g.due)...)
	for _, target := range p.targets {
		ref := models.EventRef{EventID: p.event.ID, EventType: p.event.Type}
		g.plan.Targets = append(g.plan.Targets, models.GroupTarget{EventRef: ref, Target: target})
	}
	g.byCount[p.event.Deliveries] = append(g.byCount[p.event.Deliveries], p.event.ID)
	g.count(p.event.Deliveries)
}

func (g *grouping) save() error {
	if err := insertDeliveries(g.tx, g.rows); err != nil {
		return err
	}
	for deliveries, ids := range g.byCount {
		err := g.tx.Model(&eventRow{}).Where("id IN ?", ids).Updates(map[string]any{
			"status": models.EventPlanned, "deliveries": deliveries, "planned_by": g.workflowID,
		}).Error
		if err != nil {
			return err
		}
	}
	return nil
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
	q := targets(s.read.WithContext(ctx)).Select(targetColumns+", d.event_id, d.event_type, d.failing_since").
		Where("d.event_id IN ?", eventIDs).Order("d.event_id, d.position")
	return list(q, "list targets", (*groupTargetRow).model)
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
