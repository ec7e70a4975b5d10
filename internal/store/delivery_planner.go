package store

import (
	"errors"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// planRequest is what a workflow wants planned: its own event, or the events of a group.
type planRequest struct {
	eventIDs  []string
	plannedBy string // the group's workflow; empty: the event's own
	claim     models.Claim
	most      int // an event with so many candidates, or more, is left as it is

	// The result counts once the transaction is committed.
	plan  models.GroupPlan
	found bool        // at least one of the events is there
	made  int         // deliveries
	again []string    // ids of the events that an earlier call has planned
	first []*planning // of their types in the transaction
}

func (r *planRequest) begin() {
	r.plan, r.found, r.made, r.again, r.first = models.GroupPlan{}, false, 0, nil, nil
}

func (r *planRequest) count(deliveries int) {
	r.plan.Events++
	r.plan.Deliveries += deliveries
}

// remember caches the candidates. It is called after the commit, so that it stays right whatever a transaction may do
// before.
func (r *planRequest) remember() {
	for _, p := range r.first {
		p.remember()
	}
}

// errTwice says that one event is in two requests. In a transaction of its own, the second finds the event planned.
var errTwice = errors.New("an event is planned twice in a transaction")

// plan plans the events of all requests, with a number of statements that does not depend on how many they are.
func (s *Store) plan(tx *gorm.DB, requests []*planRequest) error {
	if len(requests) == 0 {
		return nil
	}
	p := &planner{tx: tx, memory: s.memory, due: now(), matches: map[recallKey]*match{}}
	events, err := p.lock(requests)
	if err != nil {
		return err
	}
	for _, r := range requests {
		if err := p.take(r, events); err != nil {
			return err
		}
	}
	if err := p.match(); err != nil {
		return err
	}
	for _, one := range p.todo {
		p.add(one)
	}
	return p.save()
}

// planner plans the events of several requests.
type planner struct {
	tx     *gorm.DB
	memory *memory
	due    time.Time

	todo    []*requested
	matches map[recallKey]*match // by tenant and type of event
	rows    []*deliveryRow
	planned []*plannedRow
}

// requested is an event to plan for a request.
type requested struct {
	*planning
	request *planRequest
	match   *match
}

// match has the candidates of a type of event.
type match struct {
	first *requested
	found []subscriber
}

// plannedRow is what planning changes of an event.
type plannedRow struct {
	ID         string `gorm:"column:id"`
	Deliveries int    `gorm:"column:deliveries"`
	PlannedBy  string `gorm:"column:planned_by"`
}

// lock reads the events of the requests, and locks them in the order of their ids.
func (p *planner) lock(requests []*planRequest) (map[string]*versioned[eventRow], error) {
	ids := map[string]bool{}
	for _, r := range requests {
		for _, id := range r.eventIDs {
			ids[id] = true
		}
	}
	var rows []*versioned[eventRow]
	q := selectVersioned[eventRow](p.tx.Clauses(forUpdate), planColumns...).Order("id")
	err := anyOf(q, "id", slices.Sorted(maps.Keys(ids))).Find(&rows).Error
	events := make(map[string]*versioned[eventRow], len(rows))
	for _, row := range rows {
		events[row.Row.ID] = row
	}
	return events, err
}

// take notes which events of the request are to be planned.
func (p *planner) take(r *planRequest, events map[string]*versioned[eventRow]) error {
	r.begin()
	for _, id := range slices.Compact(slices.Sorted(slices.Values(r.eventIDs))) {
		event := events[id]
		if event == nil {
			continue
		}
		switch r.found = true; {
		case event.Row.Status == models.EventAccepted:
			p.todo = append(p.todo, &requested{planning: newPlanning(p.tx, p.memory, event, r.claim), request: r})
			event.Row.Status = "" // neither
		case event.Row.Status == "":
			return errTwice
		case event.Row.PlannedBy == r.plannedBy:
			r.again = append(r.again, id)
			r.count(event.Row.Deliveries)
		}
	}
	return nil
}

// match finds the candidates of each type of event once, and what stops any of the events for them.
func (p *planner) match() error {
	for _, one := range p.todo {
		key := recallKey{one.event.Tenant, one.event.Type}
		if one.match = p.matches[key]; one.match != nil {
			continue
		}
		found, err := one.candidates("")
		if err != nil {
			return err
		}
		if len(found) < planPage { // otherwise nobody plans it here
			if found, err = lockPaused(p.tx, found); err != nil {
				return err
			}
		}
		one.match = &match{first: one, found: found}
		p.matches[key] = one.match
	}
	return p.stop()
}

// stop reads the stops of all the events of a tenant in one query.
func (p *planner) stop() error {
	byTenant := map[string][]*requested{}
	for _, one := range p.todo {
		if one.stoppable(one.match.found) {
			byTenant[one.event.Tenant] = append(byTenant[one.event.Tenant], one)
		}
	}
	for tenant, all := range byTenant {
		subjects, epoch := map[string]bool{}, int64(models.UnknownEpoch)
		for _, one := range all {
			epoch = min(epoch, one.event.Epoch)
			for _, id := range append(subscriberIDs(one.match.found), one.event.ID) {
				subjects[id] = true
			}
		}
		stops, err := stopsSince(p.tx, tenant, epoch, slices.Sorted(maps.Keys(subjects))...)
		if err != nil {
			return err
		}
		for _, one := range all {
			one.stops = stops.since(one.event.Epoch)
		}
	}
	return nil
}

// add plans an event, unless it needs a plan of its own.
func (p *planner) add(one *requested) {
	r, candidates := one.request, one.match.found
	ref := one.event.ref()
	switch {
	case len(candidates) >= r.most:
		r.plan.Wide = append(r.plan.Wide, ref)
		return
	case r.made > 0 && r.made+len(candidates) > models.MaxGroupDeliveries:
		r.plan.Rest = append(r.plan.Rest, ref)
		return
	}
	p.rows = append(p.rows, one.rows(candidates, p.due)...)
	for _, target := range one.targets {
		r.plan.Targets = append(r.plan.Targets, models.GroupTarget{EventRef: ref, Target: target})
	}
	p.planned = append(p.planned, &plannedRow{ID: one.event.ID, Deliveries: one.event.Deliveries, PlannedBy: r.plannedBy})
	r.plan.Planned = append(r.plan.Planned, one.event.planned())
	r.made += one.event.Deliveries
	r.count(one.event.Deliveries)
	if one.match.first == one {
		r.first = append(r.first, one.planning)
	}
}

func (p *planner) save() error {
	if err := insertDeliveries(p.tx, p.rows); err != nil || len(p.planned) == 0 {
		return err
	}
	given, err := parametersOf(p.tx, p.planned)
	if err != nil {
		return err
	}
	return given.exec(p.tx, markPlanned(given))
}

// markPlanned is the statement that marks events planned, which are locked.
func markPlanned(given parameters) string {
	return `WITH given (` + given.columns + `) AS (` + given.rows + `)
		UPDATE events AS e SET status = 'planned', deliveries = given.deliveries, planned_by = given.planned_by
		FROM given WHERE e.id = given.id`
}
