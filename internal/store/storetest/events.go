package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

func testEvents(t *testing.T, open Open) {
	run := cases(t, open)

	run("an unknown id is not found", func(t *testing.T, b *bundle) {
		_, err := b.Event(t.Context(), "evt_none")
		requireCode(t, models.CodeNotFound, err)
		require.ErrorContains(t, err, `there is no event "evt_none"`)
	})

	run("the request that an event came with comes back as it was", func(t *testing.T, b *bundle) {
		e := b.newEvent("a")
		e.Received = &models.Received{
			Method: "PUT", Query: "a=%00&b=<>", Headers: map[string][]string{"X-A": {"é <\u0001>", ""}, "X-B": {`"\`}}, Cut: true,
		}
		require.Equal(t, e, b.publish(t, e).Event)
		read, err := b.Event(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, e.Received, read.Received)
		read, err = b.Event(t.Context(), b.event(t, "a").ID)
		require.NoError(t, err)
		require.Nil(t, read.Received)
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
		first := time.Now().Truncate(time.Millisecond).In(time.FixedZone("west", -7*60*60))
		var want []string
		for i := range 5 {
			e := b.newEvent("a")
			e.CreatedAt = first.Add(time.Duration(i) * time.Millisecond)
			want = append(want, b.publish(t, e).Event.ID)
		}
		found, err := b.Events(t.Context(), models.EventFilter{
			Tenant: b.tenant, Since: first.Add(time.Millisecond), Until: first.Add(4 * time.Millisecond),
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

	run("an event is marked planned for good, and says how many deliveries it has", func(t *testing.T, b *bundle) {
		for deliveries := range 3 {
			e := b.event(t, "a")
			b.plan(t, e.ID)
			stored, err := b.Event(t.Context(), e.ID)
			require.NoError(t, err)
			require.Equal(t, models.EventPlanned, stored.Status)
			require.Equal(t, deliveries, stored.Deliveries)
			b.subscription(t, "a")
		}
	})

	run("an event is found by its key, in its tenant", func(t *testing.T, b *bundle) {
		other := &bundle{Store: b.Store, tenant: models.NewID("tenant_")}
		b.event(t, "a")
		for _, in := range []*bundle{b, other} {
			e := in.newEvent("a")
			e.IdempotencyKey = "order-42"
			in.publish(t, e)
			found, err := in.Events(t.Context(), models.EventFilter{Tenant: in.tenant, IdempotencyKey: "order-42"})
			require.NoError(t, err)
			require.Equal(t, []string{e.ID}, ids(found, eventID))
		}
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
		other := &bundle{Store: b.Store, tenant: "two"}
		other.event(t, "b")
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
			found, err := b.AcceptedEvents(t.Context(), "one", c.before, c.after, c.limit)
			require.NoError(t, err)
			require.Equal(t, c.want, found)
		}
		for id, want := range map[string]bool{made[0].ID: true, made[1].ID: false, "evt_unknown": false} {
			accepted, err := b.Accepted(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, want, accepted)
		}
	})

	t.Run("the backlog is what is accepted, of all tenants, and as old as its oldest", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		requireBacklog(t, s, 0, time.Time{})
		b, a := &bundle{Store: s, tenant: "b"}, &bundle{Store: s, tenant: "a"}
		oldest, second, third := b.madeAt(t, 1), a.madeAt(t, 2), b.madeAt(t, 3)
		requireBacklog(t, s, 3, time.UnixMilli(1))
		b.plan(t, oldest)
		requireBacklog(t, s, 2, time.UnixMilli(2))
		a.plan(t, second)
		requireBacklog(t, s, 1, time.UnixMilli(3))
		b.plan(t, third)
		requireBacklog(t, s, 0, time.Time{})
	})

	t.Run("tenants with accepted events are found by name until all are planned", func(t *testing.T) {
		t.Parallel()
		s := migrated(t, open)
		require.Empty(t, acceptedTenants(t, s, time.Now().Add(time.Hour), "", 10))
		made := map[string][]*models.Event{}
		for _, tenant := range []string{"c", "B", "a", "b", "a", "c", "planned"} {
			b := &bundle{Store: s, tenant: tenant}
			made[tenant] = append(made[tenant], b.event(t, "a"))
		}
		(&bundle{Store: s, tenant: "planned"}).plan(t, made["planned"][0].ID)
		(&bundle{Store: s, tenant: "c"}).plan(t, made["c"][0].ID)
		later, before := time.Now().Add(time.Hour), made["c"][0].CreatedAt.Add(-time.Hour)
		require.Equal(t, []string{"B", "a", "b", "c"}, acceptedTenants(t, s, later, "", 10))
		require.Equal(t, []string{"B", "a"}, acceptedTenants(t, s, later, "", 2))
		require.Equal(t, []string{"b", "c"}, acceptedTenants(t, s, later, "a", 2))
		require.Empty(t, acceptedTenants(t, s, later, "c", 2))
		require.Empty(t, acceptedTenants(t, s, later, "", 0))
		require.Empty(t, acceptedTenants(t, s, before, "", 10))
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
		_, err := b.ChangeDelivery(t.Context(), closed.ID, abandon(""))
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

func acceptedTenants(t *testing.T, s *store.Store, before time.Time, after string, limit int) []string {
	t.Helper()
	tenants, err := s.AcceptedTenants(t.Context(), before, after, limit)
	require.NoError(t, err)
	return tenants
}

// madeAt stores an event whose id says that it was made so many milliseconds, below ten, after 1970.
func (b *bundle) madeAt(t *testing.T, ms int) string {
	t.Helper()
	e := b.newEvent("a")
	e.ID = fmt.Sprintf("%s%010d%016d", models.EventPrefix, ms, 0)
	require.NoError(t, b.publish(t, e).Err)
	return e.ID
}

func requireBacklog(t *testing.T, s *store.Store, events int, since time.Time) {
	t.Helper()
	count, oldest, err := s.Backlog(t.Context())
	require.NoError(t, err)
	require.Equal(t, events, count)
	require.True(t, since.Equal(oldest), "%s, not %s", oldest, since)
}
