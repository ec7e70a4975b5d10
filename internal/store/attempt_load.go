package store

import (
	"context"

	"github.com/posthaste/posthaste/models"
)

// Work returns the delivery with its event and subscription as of now: it contains every change of the subscription that
// any process committed before the call. An unknown delivery is a CodeNotFound error. The usual call reads one row; event
// and subscription come from the cache, are shared and must not be changed. The subscription has no Properties: an attempt
// sends the properties that its delivery was planned with, and as a map they take many times their size.
func (s *Store) Work(ctx context.Context, deliveryID string) (*models.Work, error) {
	found, err := takeVersioned[deliveryRow](s.read.WithContext(ctx), "delivery", deliveryID)
	if err != nil {
		return nil, translate("read delivery", err)
	}
	work := &models.Work{Delivery: found.Row.model()}
	if work.Delivery.Status.Closed() {
		return work, nil
	}
	if found.Row.Epoch < found.Present {
		if work.Stopped, err = stoppedDelivery(s.read.WithContext(ctx), &found.Row, found.Row.Epoch); err != nil {
			return nil, translate("read stops", err)
		}
	}
	if work.Event, err = unlessGone(s.eventOf(ctx, &found.Row)); err != nil {
		return nil, translate("read event", err)
	}
	if work.Subscription, err = unlessGone(s.subscriptionOf(ctx, &found.Row, found.Version)); err != nil {
		return nil, translate("read subscription", err)
	}
	return work, nil
}

// unlessGone turns a CodeNotFound error into nil.
func unlessGone[M any](found *M, err error) (*M, error) {
	if models.ErrorCode(err) == models.CodeNotFound {
		return nil, nil
	}
	return found, err
}

// eventOf reads the event of a delivery, from memory if it can: its deliveries need it one after the other.
func (s *Store) eventOf(ctx context.Context, delivery *deliveryRow) (*models.Event, error) {
	if event, ok := s.memory.events.Get(delivery.EventID); ok {
		return event, nil
	}
	event, err := s.Event(ctx, delivery.EventID)
	if err == nil && sizeOfEvent(event) <= rememberedEvent {
		s.memory.events.Add(event.ID, event)
	}
	return event, err
}

// sizeOfEvent estimates the bytes that the event takes beyond the fixed size of the struct.
func sizeOfEvent(e *models.Event) int {
	size := len(e.Data)
	for key, value := range e.Metadata {
		size += len(key) + len(value)
	}
	return size + e.Received.Size()
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
