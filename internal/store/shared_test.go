package store

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// TestPlansOfOneCommit has everything in one commit that may come together.
func TestPlansOfOneCommit(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		other := d.subscribe(t, func(s *models.Subscription) { s.Tenant = "other" })
		for range models.MaxTargets {
			d.subscribe(t, func(s *models.Subscription) { s.EventTypes = []string{"many"} })
		}
		for range planPage {
			d.subscribe(t, func(s *models.Subscription) { s.EventTypes = []string{"wide"} })
		}
		before := d.publish(t, models.Event{Type: "a"})
		_, err := d.PlanDeliveries(t.Context(), before.ID, nil)
		require.NoError(t, err)
		ids := []string{
			d.publish(t, models.Event{Type: "a"}).ID, d.publish(t, models.Event{Type: "a"}).ID,
			d.publish(t, models.Event{Tenant: "other", Type: "a"}).ID, d.publish(t, models.Event{Type: "many"}).ID,
			d.publish(t, models.Event{Type: "wide"}).ID, before.ID, "evt_none",
		}
		_, err = d.CancelEvent(t.Context(), ids[1], models.Why{})
		require.NoError(t, err)
		var batch []*write
		for _, id := range ids {
			batch = append(batch, planningOf(t, id))
		}
		d.queries.made = nil
		require.Equal(t, 1, d.commit(batch...))
		// Events, the candidates of four types, stops, deliveries in pieces, events.
		require.LessOrEqual(t, len(d.queries.made), 1+4+1+1+models.MaxTargets/insertChunk+1, d.queries.made)
		for i, want := range []struct{ deliveries, targets, wide, again int }{
			{1, 1, 0, 0}, {1, 0, 0, 0}, {1, 1, 0, 0}, {1 + models.MaxTargets, 0, 0, 0}, {0, 0, 1, 0}, {1, 0, 0, 1}, {},
		} {
			require.NoError(t, <-batch[i].done)
			r := batch[i].plan
			require.Equal(t, want.deliveries, r.plan.Deliveries, i)
			require.Len(t, r.plan.Targets, want.targets, i)
			require.Len(t, r.plan.Wide, want.wide, i)
			require.Len(t, r.again, want.again, i)
			require.Equal(t, ids[i] != "evt_none", r.found, i)
		}
		require.Equal(t, other.ID, batch[2].plan.plan.Targets[0].SubscriptionID)
	})
}

// TestAnEventInTwoPlansOfACommit is what happens when Temporal regards a task as lost that is still at work.
func TestAnEventInTwoPlansOfACommit(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		event := d.publish(t, models.Event{Type: "a"})
		batch := []*write{planningOf(t, event.ID), planningOf(t, event.ID)}
		require.Equal(t, 1+2, d.commit(batch...), "together, and each alone")
		for _, w := range batch {
			require.NoError(t, <-w.done)
			require.Equal(t, 1, w.plan.plan.Deliveries)
		}
		targets, err := d.Targets(t.Context(), event.ID, 0, 9)
		require.NoError(t, err)
		require.Len(t, targets, 1)
	})
}

// TestLoadsShareTheirQueries has calls wait until they go together.
func TestLoadsShareTheirQueries(t *testing.T) {
	t.Parallel()
	onBothDesks(t, func(t *testing.T, d *desk) {
		ids := append(d.pending(t, 3), "dlv_none")
		ids = append(ids, ids[0])
		works, errs := make([]*models.Work, len(ids)), make([]error, len(ids))
		batch := make([]*read[*models.Work], len(ids))
		for i, id := range ids {
			batch[i] = &read[*models.Work]{key: id, done: make(chan struct{})}
		}
		d.queries.made = nil
		d.loads.together(batch)
		require.Len(t, d.queries.made, 3, "deliveries, events, the subscription: %v", d.queries.made)
		for i, l := range batch {
			<-l.done
			works[i], errs[i] = l.found, l.err
		}
		require.Equal(t, models.CodeNotFound, models.ErrorCode(errs[3]))
		for i, id := range ids {
			if i != 3 {
				alone, err := d.Work(t.Context(), id)
				require.NoError(t, errors.Join(err, errs[i]))
				require.Equal(t, alone, works[i])
			}
		}
		require.NotSame(t, works[0].Delivery, works[4].Delivery, "each caller changes its own")
	})
}
