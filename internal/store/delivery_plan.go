package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unsafe"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// planPage is how many subscribers are read at a time, whatever their number.
const planPage = 500

// subscriber is what planning needs to know of a subscription.
type subscriber struct {
	ID         string                    `gorm:"column:id"`
	URL        string                    `gorm:"column:url"`
	Payload    models.Payload            `gorm:"column:payload"`
	Properties []byte                    `gorm:"column:properties"`
	Status     models.SubscriptionStatus `gorm:"column:status"`
}

// sizeOf is how many bytes the subscribers take.
func sizeOf(subs []subscriber) int {
	size := len(subs) * int(unsafe.Sizeof(subscriber{}))
	for i := range subs {
		size += len(subs[i].ID) + len(subs[i].URL) + len(subs[i].Properties)
	}
	return size
}

// PlanDeliveries stores a delivery for each subscription of the event's tenant that has a matching pattern, a pending
// one if it is active and a held one if it is paused, and marks the event planned. A planned event is left alone, so
// calling it again, or twice at once, makes one set of deliveries; the plan is the same each time, except for Planned. The
// plan of an event that a group has planned is empty. It returns a CodeNotFound error for an unknown event.
//
// The caller makes the first attempt itself of those pending deliveries that claim accepts, and has
// models.ClaimTime for that. If claim is nil, it makes none.
//
// Plans that are made at the same time share their statements. It is one transaction, in memory that does not grow with the
// number of subscribers; 100,000 take some seconds.
func (s *Store) PlanDeliveries(ctx context.Context, eventID string, claim models.Claim) (models.Plan, error) {
	plan, err := s.planOne(ctx, eventID, claim)
	if errors.Is(err, errWide) { // too long to make others wait for it
		plan, err = s.planWide(ctx, eventID, claim)
	}
	if err != nil {
		return models.Plan{}, err
	}
	if plan.Targets == nil && plan.Deliveries > 0 && plan.Deliveries <= models.MaxTargets { // it was planned before
		plan.Targets, err = s.Targets(ctx, eventID, 0, plan.Deliveries)
	}
	return plan, err
}

// errWide says that an event has more candidates than a plan may have that shares its commit.
var errWide = errors.New("the event is too wide")

// planOne plans an event that has fewer than a page of candidates.
func (s *Store) planOne(ctx context.Context, eventID string, claim models.Claim) (models.Plan, error) {
	r := &planRequest{eventIDs: []string{eventID}, claim: claim, most: planPage}
	switch err := s.plans.write(ctx, task{plan: r}); {
	case err != nil:
		return models.Plan{}, translate("plan deliveries", err)
	case !r.found:
		return models.Plan{}, models.NotFound("event", eventID)
	case len(r.plan.Wide) > 0:
		return models.Plan{}, errWide
	}
	r.remember()
	plan := models.Plan{Deliveries: r.plan.Deliveries, Planned: r.plan.Planned}
	if plan.Deliveries <= models.MaxTargets {
		for _, target := range r.plan.Targets {
			plan.Targets = append(plan.Targets, target.Target)
		}
	}
	return plan, nil
}

// planWide plans an event in a transaction of its own, page by page.
func (s *Store) planWide(ctx context.Context, eventID string, claim models.Claim) (models.Plan, error) {
	var p *planning
	err := s.inTransaction(ctx, "plan deliveries", func(tx *gorm.DB) error {
		event, err := takeVersioned[eventRow](tx.Clauses(forUpdate), "event", eventID, planColumns...)
		if err != nil {
			return err
		}
		p = newPlanning(tx, s.memory, event, claim)
		return p.run()
	})
	switch {
	case err != nil:
		return models.Plan{}, err
	case p.event.PlannedBy != "":
		return models.Plan{}, nil
	}
	return models.Plan{Deliveries: p.event.Deliveries, Targets: p.targets, Planned: p.planned}, nil
}

// planColumns are the columns of an event that planning needs.
var planColumns = []string{"id", "tenant", "type", "status", "planned_by", "deliveries", "epoch", "traceparent"}

// planning plans one event.
type planning struct {
	tx      *gorm.DB
	memory  *memory
	event   *eventRow
	version int64 // of the subscriptions
	present int64 // epoch of the tenant
	claim   models.Claim
	stops   stopped          // of the candidates
	targets []models.Target  // of the deliveries made, if they are at most models.MaxTargets
	planned []models.Planned // the event, once it is planned
	read    []subscriber     // all that match, where memory did not know them; nil: it did, or they are many
}

func newPlanning(tx *gorm.DB, memory *memory, event *versioned[eventRow], claim models.Claim) *planning {
	return &planning{tx: tx, memory: memory, event: &event.Row, version: event.Version, present: event.Present, claim: claim}
}

func (p *planning) run() error {
	if p.event.Status != models.EventAccepted {
		return nil
	}
	due := now()
	for after, more := "", true; more; {
		candidates, err := p.candidates(after)
		if err != nil {
			return err
		}
		if more = len(candidates) == planPage; more {
			after = candidates[planPage-1].ID
		}
		if candidates, err = lockPaused(p.tx, candidates); err != nil {
			return err
		}
		if p.stops, err = p.stopping(candidates); err != nil {
			return err
		}
		if err := insertDeliveries(p.tx, p.rows(candidates, due)); err != nil {
			return err
		}
	}
	p.planned = []models.Planned{p.event.planned()}
	return p.tx.Model(p.event).Updates(map[string]any{
		"status": models.EventPlanned, "deliveries": p.event.Deliveries,
	}).Error
}

// candidates are the next subscribers with ids above after. They come from the cache if they are few and an event of the
// type was planned since the tenant's subscriptions changed.
func (p *planning) candidates(after string) ([]subscriber, error) {
	if known, ok := p.memory.matches.at(p.event.Tenant, p.event.Type, p.version); ok && after == "" {
		return known, nil
	}
	found, err := subscribers(p.tx, p.event.Tenant, models.Patterns(p.event.Type), after)
	if after == "" && len(found) < planPage {
		p.read = append([]subscriber{}, found...)
	}
	return found, err
}

// remember caches the subscribers. It is called after the commit, so that it stays right whatever a transaction may do
// before.
func (p *planning) remember() {
	if p.read != nil && sizeOf(p.read) <= rememberedMatch {
		p.memory.matches.put(p.event.Tenant, p.event.Type, p.version, p.read)
	}
}

// lockPaused makes sure that paused subscriptions are still paused when their held deliveries are committed. Otherwise
// nobody would release them: a resumption has to see all held deliveries. It returns the subscribers with their present
// statuses and does not change subs, which may be shared.
func lockPaused(tx *gorm.DB, subs []subscriber) ([]subscriber, error) {
	var paused []string
	for i := range subs {
		if subs[i].Status == models.SubscriptionPaused {
			paused = append(paused, subs[i].ID)
		}
	}
	if paused == nil {
		return subs, nil
	}
	statuses, err := lockStatuses(tx, paused)
	subs = slices.Clone(subs)
	for i := range subs {
		if subs[i].Status == models.SubscriptionPaused {
			subs[i].Status = statuses[subs[i].ID]
		}
	}
	return subs, err
}

// stopping reads what stops the event for the candidates.
func (p *planning) stopping(candidates []subscriber) (stopped, error) {
	if !p.stoppable(candidates) {
		return nil, nil
	}
	subjects := append([]string{p.event.ID}, subscriberIDs(candidates)...)
	return stopsSince(p.tx, p.event.Tenant, p.event.Epoch, subjects...)
}

// stoppable reports whether there may be a stop to read. There is none for an event of the present epoch, but that is the
// epoch of when the plan began: for what is held, which no attempt looks after, it is looked for once more under the lock
// on its subscription.
func (p *planning) stoppable(candidates []subscriber) bool {
	return p.event.Epoch < p.present ||
		slices.ContainsFunc(candidates, func(s subscriber) bool { return s.Status == models.SubscriptionPaused })
}

func subscriberIDs(subs []subscriber) []string {
	ids := make([]string, len(subs))
	for i := range subs {
		ids[i] = subs[i].ID
	}
	return ids
}

// rows makes one delivery for each subscriber that is active or paused, and counts it in event.Deliveries.
func (p *planning) rows(subs []subscriber, due time.Time) []*deliveryRow {
	rows := make([]*deliveryRow, 0, len(subs))
	width := p.event.Deliveries + len(subs)
	for i := range subs {
		if models.FirstStatus(subs[i].Status) != "" {
			row := p.delivery(&subs[i], due, width)
			rows = append(rows, row)
			p.event.Deliveries++
			p.target(row, subs[i].URL)
		}
	}
	return rows
}

func insertDeliveries(tx *gorm.DB, rows []*deliveryRow) error {
	for chunk := range slices.Chunk(rows, rowsAtOnce(tx)) {
		given, err := parametersOf(tx, chunk)
		if err != nil {
			return err
		}
		if err := given.exec(tx, `INSERT INTO deliveries (`+given.columns+`) `+given.rows); err != nil {
			return err
		}
	}
	return nil
}

// delivery is a cancelled one where a stop came after the event.
func (p *planning) delivery(sub *subscriber, due time.Time, width int) *deliveryRow {
	row := newDeliveryRow(p.event, sub, due)
	if why := p.stops.of(p.event.ID, sub.ID); why != nil {
		delivery := row.model()
		delivery.Apply(models.Change{Act: models.ActStop}, models.Facts{Stopped: why})
		row.takeState(delivery)
	}
	if row.Status == models.DeliveryPending && p.claim != nil && p.claim(row.SubscriptionID, width) {
		until := due.Add(models.ClaimTime)
		row.ClaimedUntil = &until
	}
	return row
}

// target adds a delivery that was made to the targets, unless it is closed, or they become too many.
func (p *planning) target(row *deliveryRow, url string) {
	switch {
	case p.event.Deliveries > models.MaxTargets:
		p.targets = nil
	case !row.Status.Closed():
		made := targetRow{ID: row.ID, SubscriptionID: row.SubscriptionID, URL: url, Claimed: row.ClaimedUntil != nil}
		p.targets = append(p.targets, made.model())
	}
}

// newDeliveryRow takes the creation time from the new id, so that lists can find deliveries since a time by their id.
func newDeliveryRow(event *eventRow, sub *subscriber, due time.Time) *deliveryRow {
	id := models.NewID(models.DeliveryPrefix)
	created := idTime(models.DeliveryPrefix, id)
	return &deliveryRow{
		ID: id, EventID: event.ID, SubscriptionID: sub.ID, Tenant: event.Tenant, EventType: event.Type,
		Position: event.Deliveries, Status: models.FirstStatus(sub.Status), NextAttemptAt: &due, Epoch: event.Epoch,
		Payload: sub.Payload, Properties: sub.Properties, CreatedAt: created, UpdatedAt: created,
	}
}

// subscribers reads the next subscriptions of the tenant, of any status, that have one of the patterns and an id above
// after, by id. Each pattern contributes at most a page from its own range of the index, so that a page costs the same
// at the beginning and at the end of 100,000.
func subscribers(tx *gorm.DB, tenant string, patterns []string, after string) ([]subscriber, error) {
	const branch = `SELECT * FROM (SELECT subscription_id FROM subscription_patterns
		WHERE tenant = ? AND pattern = ? AND subscription_id > ? ORDER BY subscription_id LIMIT ?) AS one`
	branches := make([]string, len(patterns))
	args := make([]any, 0, 4*len(patterns)+1)
	for i, pattern := range patterns {
		branches[i] = branch
		args = append(args, tenant, pattern, after, planPage)
	}
	query := `SELECT s.id, s.url, s.payload, s.properties, s.status FROM (` + strings.Join(branches, " UNION ") + `) AS matching
		JOIN subscriptions AS s ON s.id = matching.subscription_id ORDER BY s.id LIMIT ?`
	var found []subscriber
	return found, tx.Raw(query, append(args, planPage)...).Scan(&found).Error
}
