package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// testTraces requires that whoever plans or attempts learns the trace of an event.
func testTraces(t *testing.T, open Open) {
	run := cases(t, open)
	const first, second = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00"
	traced := func(b *bundle, traceparent string) *models.Event {
		e := b.newEvent("a")
		e.Traceparent = traceparent
		return e
	}
	planned := func(e *models.Event, deliveries int) models.Planned {
		return models.Planned{
			EventRef: models.EventRef{EventID: e.ID, EventType: "a"}, Tenant: e.Tenant, Deliveries: deliveries, Traceparent: e.Traceparent,
		}
	}

	run("a plan that is made tells it, one that was made before does not", func(t *testing.T, b *bundle) {
		b.subscription(t, "a")
		for _, e := range []*models.Event{traced(b, first), traced(b, "")} {
			require.NoError(t, b.publish(t, e).Err)
			for _, want := range [][]models.Planned{{planned(e, 1)}, nil} {
				plan, err := b.PlanDeliveries(t.Context(), e.ID, nil)
				require.NoError(t, err)
				require.Equal(t, want, plan.Planned)
			}
			work, err := b.Work(t.Context(), b.targets(t, e.ID, 0, 1)[0].DeliveryID)
			require.NoError(t, err)
			require.Equal(t, e.Traceparent, work.Event.Traceparent)
		}
	})

	run("a group tells those of its events", func(t *testing.T, b *bundle) {
		b.subscription(t, "a")
		one, none := traced(b, first), traced(b, "")
		created, err := b.CreateEvents(t.Context(), []*models.Event{one, none})
		require.NoError(t, err)
		require.Len(t, created, 2)
		for _, want := range [][]models.Planned{{planned(one, 1), planned(none, 1)}, nil} {
			plan, err := b.PlanGroup(t.Context(), "group/1", []string{one.ID, none.ID}, nil)
			require.NoError(t, err)
			require.Equal(t, want, plan.Planned)
		}
	})

	run("an event that is published again stays in its first trace", func(t *testing.T, b *bundle) {
		e, again := traced(b, first), traced(b, second)
		e.IdempotencyKey, again.IdempotencyKey = "k", "k"
		require.False(t, b.publish(t, e).Duplicate)
		created := b.publish(t, again)
		require.True(t, created.Duplicate)
		require.Equal(t, first, created.Event.Traceparent)
		read, err := b.Event(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, first, read.Traceparent)
	})
}
