package store

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const (
	loadLimit = 64 // calls of Work that share their queries at most
	loadLanes = 3  // such queries under way at a time; on SQLite, too, where readers do not wait for one another
)

// load is a call of Work.
type load struct {
	deliveryID string
	done       chan struct{} // closed when there is a result
	work       *models.Work
	err        error
}

func (s *Store) newLoads() *lanes[*load] {
	return &lanes[*load]{
		slots: loadLanes, enough: loadLimit, handle: s.loadTogether,
		fit: func(waiting []*load) int { return min(len(waiting), loadLimit) },
	}
}

// Work returns the delivery with its event and subscription as of now: it contains every change of the subscription that
// any process committed before the call. An unknown delivery is a CodeNotFound error. The usual call reads one row; event
// and subscription come from the cache, are shared and must not be changed. The subscription has no Properties: an attempt
// sends the properties that its delivery was planned with, and as a map they take many times their size.
//
// Calls that come at the same time share their queries.
func (s *Store) Work(ctx context.Context, deliveryID string) (*models.Work, error) {
	l := &load{deliveryID: deliveryID, done: make(chan struct{})}
	if err := ctx.Err(); err != nil {
		return nil, translate("read delivery", err)
	}
	s.loads.add(l) // and not with its context: a read that is shared must outlive each of its calls'
	select {
	case <-l.done:
		return l.work, translate("read delivery", l.err)
	case <-ctx.Done():
		s.loads.drop(l)
		return nil, translate("read delivery", ctx.Err())
	}
}

// loadTogether loads for a batch of calls. If their shared queries fail although the database answers, each call gets
// queries of its own.
func (s *Store) loadTogether(batch []*load) {
	err := inTime(context.Background(), s.timeout(), func(ctx context.Context) error { return s.loadAll(ctx, batch) })
	if err != nil && len(batch) > 1 && !isAway(err) {
		for _, l := range batch {
			s.loadTogether([]*load{l})
		}
		return
	}
	for _, l := range batch {
		if err != nil {
			l.work, l.err = nil, err
		}
		close(l.done)
	}
}

// loadAll notes a result in each load, unless it fails.
func (s *Store) loadAll(ctx context.Context, batch []*load) error {
	q := s.read.WithContext(ctx)
	found, err := deliveriesWithVersions(q, batch)
	if err != nil {
		return err
	}
	events, err := s.eventsOf(q, found)
	if err != nil {
		return err
	}
	for _, l := range batch {
		row, ok := found[l.deliveryID]
		if !ok {
			l.err = models.NotFound("delivery", l.deliveryID)
			continue
		}
		l.work = &models.Work{Delivery: row.Row.model(), Event: events[row.Row.EventID]}
		l.err = s.addSubscription(ctx, l.work, row)
	}
	return nil
}

func deliveriesWithVersions(q *gorm.DB, batch []*load) (map[string]*versioned[deliveryRow], error) {
	ids := make([]string, len(batch))
	for i, l := range batch {
		ids[i] = l.deliveryID
	}
	var rows []*versioned[deliveryRow]
	err := anyOf(selectVersioned[deliveryRow](q), "id", ids).Find(&rows).Error
	found := make(map[string]*versioned[deliveryRow], len(rows))
	for _, row := range rows {
		found[row.Row.ID] = row
	}
	return found, err
}

// eventsOf returns the events of those of the deliveries that are not closed, from memory if it can: the deliveries of an
// event need it one after the other.
func (s *Store) eventsOf(q *gorm.DB, found map[string]*versioned[deliveryRow]) (map[string]*models.Event, error) {
	events := make(map[string]*models.Event, len(found))
	var unknown []string
	for _, row := range found {
		if id := row.Row.EventID; !row.Row.Status.Closed() && events[id] == nil {
			if event, ok := s.memory.events.Get(id); ok {
				events[id] = event
			} else {
				unknown = append(unknown, id)
			}
		}
	}
	if unknown == nil {
		return events, nil
	}
	slices.Sort(unknown)
	var rows []*eventRow
	err := anyOf(q, "id", slices.Compact(unknown)).Find(&rows).Error
	for _, row := range rows {
		event := row.model()
		if events[event.ID] = event; sizeOfEvent(event) <= rememberedEvent {
			s.memory.events.Add(event.ID, event)
		}
	}
	return events, err
}

// sizeOfEvent estimates the bytes that the event takes beyond the fixed size of the struct.
func sizeOfEvent(e *models.Event) int {
	size := len(e.Data)
	for key, value := range e.Metadata {
		size += len(key) + len(value)
	}
	return size + e.Received.Size()
}

// addSubscription adds the subscription and what has stopped the delivery, unless it is closed.
func (s *Store) addSubscription(ctx context.Context, work *models.Work, row *versioned[deliveryRow]) (err error) {
	if row.Row.Status.Closed() {
		return nil
	}
	if row.Row.Epoch < row.Present {
		if work.Stopped, err = stoppedDelivery(s.read.WithContext(ctx), &row.Row, row.Row.Epoch); err != nil {
			return err
		}
	}
	work.Subscription, err = s.subscriptionOf(ctx, &row.Row, row.Version)
	if models.ErrorCode(err) == models.CodeNotFound {
		return nil
	}
	return err
}

// subscriptionOf reads the subscription of a delivery, from memory if it is known there at the version. It remembers it
// keyed by its own tenant, should someone edit the row.
func (s *Store) subscriptionOf(ctx context.Context, delivery *deliveryRow, version int64) (*models.Subscription, error) {
	id := delivery.SubscriptionID
	if sub, ok := s.memory.subscriptions.at(delivery.Tenant, id, version); ok {
		return sub, nil
	}
	found, err := takeVersioned[subscriptionRow](s.read.WithContext(ctx), "subscription", id)
	if err != nil {
		return nil, err
	}
	found.Row.Properties = nil
	sub, err := s.opened(&found.Row)
	if err == nil && found.Row.size() <= rememberedSubscription {
		s.memory.subscriptions.put(sub.Tenant, id, found.Version, sub)
	}
	return sub, err
}
