package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testEvents(t *testing.T, open Open) {
	run := cases(t, open)

	run("an unknown id is not found", func(t *testing.T, b *bundle) {
		_, err := b.Event(t.Context(), "evt_none")
		requireCode(t, models.CodeNotFound, err)
		require.ErrorContains(t, err, `there is no event "evt_none"`)
	})

	run("a list is paged newest first without gaps or repeats, by tenant and type", func(t *testing.T, b *bundle) {
		var all, paid []string
		for i := range 11 {
			e := b.event(t, []string{"order.paid", "order.Paid"}[i%2])
			if all = append(all, e.ID); i%2 == 0 {
				paid = append(paid, e.ID)
			}
		}
		other := &bundle{Store: b.Store, tenant: models.NewID("tenant_")}
		other.event(t, "order.paid")

		for _, c := range []struct {
			filter models.EventFilter
			want   []string
		}{
			{models.EventFilter{Tenant: b.tenant}, all},
			{models.EventFilter{Tenant: b.tenant, Type: "order.paid"}, paid},
			{models.EventFilter{Tenant: b.tenant, Type: "order"}, nil},
		} {
			requirePaged(t, c.want, func(p models.Page) ([]*models.Event, error) {
				c.filter.Page = p
				return b.Events(t.Context(), c.filter)
			}, eventID)
		}
	})

	run("since is inclusive and until exclusive", func(t *testing.T, b *bundle) {
		noon := time.Date(2031, 5, 1, 12, 0, 0, 0, time.FixedZone("west", -7*60*60))
		var want []string
		for i := range 5 {
			e := b.newEvent("a")
			e.CreatedAt = noon.Add(time.Duration(i) * time.Millisecond)
			want = append(want, b.publish(t, e).Event.ID)
		}
		found, err := b.Events(t.Context(), models.EventFilter{
			Tenant: b.tenant, Since: noon.Add(time.Millisecond), Until: noon.Add(4 * time.Millisecond),
		})
		require.NoError(t, err)
		require.Equal(t, newestFirst(want[1:4]), ids(found, eventID))
	})

	run("a page holds 50 unless asked otherwise, and at most one above the limit", func(t *testing.T, b *bundle) {
		var batch []*models.Event
		for range 210 {
			batch = append(batch, b.newEvent("a"))
		}
		_, err := b.CreateEvents(t.Context(), batch)
		require.NoError(t, err)
		for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 201: 201, 1000: 201} {
			found, err := b.Events(t.Context(), models.EventFilter{Tenant: b.tenant, Page: models.Page{Limit: limit}})
			require.NoError(t, err)
			require.Len(t, found, want, "limit %d", limit)
		}
	})

	run("an event is marked planned for good", func(t *testing.T, b *bundle) {
		e := b.event(t, "a")
		b.plan(t, e.ID)
		stored, err := b.Event(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, models.EventPlanned, stored.Status)
	})
}

// newestFirst turns ids in the order they were made round.
func newestFirst(made []string) []string {
	made = slices.Clone(made)
	slices.Reverse(made)
	return made
}

// testSweeps has databases of its own, because sweeps see all tenants.
func testSweeps(t *testing.T, open Open) {
	t.Run("accepted events are found oldest first until they are planned", func(t *testing.T) {
		t.Parallel()
		b := &bundle{Store: migrated(t, open), tenant: "one"}
		var made []*models.Event
		for range 5 {
			made = append(made, b.event(t, "a"))
		}
		b.plan(t, made[1].ID)
		want := []*models.Event{}
		for _, i := range []int{0, 2, 3, 4} {
			want = append(want, &models.Event{ID: made[i].ID, Tenant: "one", Type: "a"})
		}
		later := time.Now().Add(time.Hour)
		for _, c := range []struct {
			before time.Time
			after  string
			limit  int
			want   []*models.Event
		}{
			{later, "", 10, want},
			{later, "", 2, want[:2]},
			{later, made[0].ID, 10, want[1:]},
			{later, made[4].ID, 10, want[:0]},
			{made[0].CreatedAt, "", 10, want[:0]},
			{later, "", 0, want[:0]},
		} {
			found, err := b.AcceptedEvents(t.Context(), c.before, c.after, c.limit)
			require.NoError(t, err)
			require.Equal(t, c.want, found)
		}
	})

	t.Run("overdue deliveries are the pending ones whose time is past", func(t *testing.T) {
		t.Parallel()
		b := &bundle{Store: migrated(t, open), tenant: "one"}
		var due []*models.Delivery
		for range 4 {
			due = append(due, b.delivery(t))
		}
		closed, later, held := b.delivery(t), b.delivery(t), b.delivery(t)
		b.pause(t, held.SubscriptionID)
		_, err := b.CloseDelivery(t.Context(), closed.ID, models.DeliveryCancelled, "")
		require.NoError(t, err)
		b.bringForward(t, later, time.Now().Add(time.Hour))

		soon := time.Now().Add(time.Minute)
		found, err := b.OverdueDeliveries(t.Context(), soon, "", 10)
		require.NoError(t, err)
		require.Equal(t, due, found)
		found, err = b.OverdueDeliveries(t.Context(), soon, due[0].ID, 2)
		require.NoError(t, err)
		require.Equal(t, due[1:3], found)
		found, err = b.OverdueDeliveries(t.Context(), due[0].NextAttemptAt, "", 10)
		require.NoError(t, err)
		require.Empty(t, found)
	})
}
