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

// Work returns the delivery with its event and subscription as of now: it contains every change of the subscription that
// any process committed before the call. An unknown delivery is a CodeNotFound error. The usual call reads one row; event
// and subscription come from the cache, are shared and must not be changed. The subscription has no Properties: an attempt
// sends the properties that its delivery was planned with, and as a map they take many times their size.
//
// Calls that come at the same time share their queries.
func (s *Store) Work(ctx context.Context, deliveryID string) (*models.Work, error) {
	work, err := s.loads.get(ctx, deliveryID)
	return work, translate("read delivery", err)
}

// loadAll notes a result in each load, unless it fails.
func (s *Store) loadAll(ctx context.Context, batch []*read[*models.Work]) error {
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
		row, ok := found[l.key]
		if !ok {
			l.err = models.NotFound("delivery", l.key)
			continue
		}
		l.found = &models.Work{Delivery: row.Row.model(), Event: events[row.Row.EventID]}
		l.err = s.addSubscription(ctx, l.found, row)
	}
	return nil
}

func deliveriesWithVersions(q *gorm.DB, batch []*read[*models.Work]) (map[string]*versioned[deliveryRow], error) {
	var rows []*versioned[deliveryRow]
	err := anyOf(selectVersioned[deliveryRow](q), "id", keysOf(batch)).Find(&rows).Error
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
	err := anyOf(withData(q), "id", slices.Compact(unknown)).Find(&rows).Error
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
