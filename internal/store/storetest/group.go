package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testGroup(t *testing.T, open Open) {
	run := cases(t, open)
	all := func(string, int) bool { return true }

	run("plans the events that wait, and returns their deliveries by event", func(t *testing.T, b *bundle) {
		active, paused, disabled := b.subscription(t, "a", "b"), b.subscription(t, "a"), b.subscription(t, "*")
		b.pause(t, paused.ID)
		b.disable(t, disabled, "gone")
		ids := []string{b.event(t, "a").ID, b.event(t, "b").ID, b.event(t, "c").ID}
		plan, err := b.PlanGroup(t.Context(), "group/1", ids, func(id string, _ int) bool { return id == active.ID })
		require.NoError(t, err)
		require.Equal(t, 3, plan.Events)
		require.Equal(t, 3, plan.Deliveries)
		require.Empty(t, append(plan.Wide, plan.Rest...))
		var got []string
		for _, target := range plan.Targets {
			got = append(got, fmt.Sprint(target.EventID == ids[0], target.EventType, target.SubscriptionID, target.Claimed))
			require.Equal(t, target.Target, b.targets(t, target.EventID, 0, 9)[map[string]int{active.ID: 0, paused.ID: 1}[target.SubscriptionID]])
		}
		require.Equal(t, []string{
			fmt.Sprint(true, "a", active.ID, true), fmt.Sprint(true, "a", paused.ID, false), fmt.Sprint(false, "b", active.ID, true),
		}, got)
		for i, want := range []int{2, 1, 0} {
			event, err := b.Event(t.Context(), ids[i])
			require.NoError(t, err)
			require.Equal(t, models.EventPlanned, event.Status)
			require.Equal(t, "group/1", event.PlannedBy)
			require.Equal(t, want, event.Deliveries)
		}
	})

	run("planning again returns what is left, and makes nothing", func(t *testing.T, b *bundle) {
		b.subscription(t, "*")
		ids := []string{b.event(t, "a").ID, b.event(t, "a").ID}
		first, err := b.PlanGroup(t.Context(), "group/1", ids, all)
		require.NoError(t, err)
		b.close(t, b.reload(t, &models.Delivery{ID: first.Targets[0].DeliveryID}), models.DeliveryDelivered)
		ids = append(ids, b.event(t, "a").ID)
		second, err := b.PlanGroup(t.Context(), "group/1", ids, all)
		require.NoError(t, err)
		require.Equal(t, 3, second.Events)
		require.Equal(t, 3, second.Deliveries)
		require.Len(t, second.Targets, 2)
		require.Equal(t, first.Targets[1], second.Targets[0])
		require.Equal(t, ids[2], second.Targets[1].EventID)
	})

	run("an event has one planner", func(t *testing.T, b *bundle) {
		b.subscription(t, "*")
		own, grouped := b.event(t, "a").ID, b.event(t, "a").ID
		b.plan(t, own)
		_, err := b.PlanGroup(t.Context(), "group/1", []string{grouped}, all)
		require.NoError(t, err)

		plan, err := b.PlanGroup(t.Context(), "group/2", []string{own, grouped, "evt_gone"}, all)
		require.NoError(t, err)
		require.Equal(t, models.GroupPlan{}, plan)
		single, err := b.PlanDeliveries(t.Context(), grouped, all)
		require.NoError(t, err)
		require.Equal(t, models.Plan{}, single)
	})

	run("groups at once plan each event once", func(t *testing.T, b *bundle) {
		b.subscription(t, "*")
		for range rounds {
			var ids []string
			for range 10 {
				ids = append(ids, b.event(t, "a").ID)
			}
			plans, errs := make([]models.GroupPlan, 8), make([]error, 8)
			atOnce(8, func(i int) {
				mine := slices.Clone(ids[:3+i])
				slices.Reverse(mine)
				plans[i], errs[i] = b.PlanGroup(t.Context(), fmt.Sprint("group/", i), mine, nil)
			})
			planned := 0
			for i := range plans {
				require.NoError(t, errs[i])
				planned += plans[i].Events
			}
			require.Equal(t, 10, planned)
			for _, id := range ids {
				require.Len(t, b.targets(t, id, 0, 9), 1)
			}
		}
	})

	run("what was cancelled before is planned as cancelled", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a", "b")
		cancelled, before := b.event(t, "a").ID, b.event(t, "a").ID
		_, err := b.CancelEvent(t.Context(), cancelled, models.Why{})
		require.NoError(t, err)
		_, err = b.CancelWaiting(t.Context(), sub.ID, models.Why{})
		require.NoError(t, err)
		after := b.event(t, "b").ID
		plan, err := b.PlanGroup(t.Context(), "group/1", []string{cancelled, before, after}, all)
		require.NoError(t, err)
		require.Equal(t, 3, plan.Deliveries)
		require.Len(t, plan.Targets, 1)
		require.Equal(t, after, plan.Targets[0].EventID)
	})

	run("wide events, and events beyond the bound, are left for other plans", func(t *testing.T, b *bundle) {
		for range models.MaxTargets {
			b.subscription(t, "narrow", "wide")
		}
		b.subscription(t, "wide")
		ids := []string{b.event(t, "wide").ID}
		fit := models.MaxGroupDeliveries / models.MaxTargets
		for range fit + 1 {
			ids = append(ids, b.event(t, "narrow").ID)
		}
		plan, err := b.PlanGroup(t.Context(), "group/1", ids, nil)
		require.NoError(t, err)
		require.Equal(t, fit, plan.Events)
		require.Len(t, plan.Targets, models.MaxGroupDeliveries)
		require.Equal(t, []models.EventRef{{EventID: ids[0], EventType: "wide"}}, plan.Wide)
		require.Equal(t, []models.EventRef{{EventID: ids[fit+1], EventType: "narrow"}}, plan.Rest)
		for _, other := range append(plan.Wide, plan.Rest...) {
			accepted, err := b.Accepted(t.Context(), other.EventID)
			require.NoError(t, err)
			require.True(t, accepted)
		}
	})
}
