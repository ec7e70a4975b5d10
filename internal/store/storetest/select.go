package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testSelect(t *testing.T, open Open) {
	run := cases(t, open)

	run("each part of a selection narrows it, oldest first", func(t *testing.T, b *bundle) {
		one, two := b.subscription(t, "*"), b.subscription(t, "*")
		var ofOne, exhausted, waiting []string
		var last []*models.Delivery
		for i := range 9 {
			last = b.plan(t, b.event(t, "a").ID)
			ofOne = append(ofOne, last[0].ID)
			if i%3 == 0 {
				b.close(t, last[0], models.DeliveryExhausted)
				exhausted = append(exhausted, last[0].ID)
				continue
			}
			waiting = append(waiting, last[0].ID)
		}
		b.requireSelected(t, models.Selection{SubscriptionID: one.ID}, ofOne)
		b.requireSelected(t, models.Selection{SubscriptionID: "sub_none"}, []string{})
		b.requireSelected(t, models.Selection{EventID: last[0].EventID}, ids(last, deliveryID))
		b.requireSelected(t, models.Selection{EventID: last[0].EventID, SubscriptionID: two.ID}, []string{last[1].ID})
		b.requireSelected(t, models.Selection{
			SubscriptionID: one.ID, Statuses: []models.DeliveryStatus{models.DeliveryExhausted},
		}, exhausted)
		open := []models.DeliveryStatus{models.DeliveryPending, models.DeliveryHeld}
		b.requireSelected(t, models.Selection{SubscriptionID: one.ID, Statuses: open}, waiting)
		b.pause(t, one.ID)
		b.requireSelected(t, models.Selection{SubscriptionID: one.ID, Statuses: open}, waiting)
		b.requireSelected(t, models.Selection{SubscriptionID: one.ID, Statuses: open[:1]}, []string{})
		b.requireSelected(t, models.Selection{
			SubscriptionID: one.ID, Statuses: []models.DeliveryStatus{models.DeliveryExhausted, models.DeliveryDelivered},
		}, exhausted)
	})

	run("since is inclusive and until exclusive, to the millisecond", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		for _, c := range []struct {
			since, until time.Time
			want         []string
		}{
			{d.CreatedAt, time.Time{}, []string{d.ID}},
			{d.CreatedAt.Add(time.Millisecond), time.Time{}, []string{}},
			{time.Time{}, d.CreatedAt, []string{}},
			{d.CreatedAt, d.CreatedAt.Add(time.Millisecond), []string{d.ID}},
			{d.CreatedAt, d.CreatedAt.Add(time.Nanosecond), []string{d.ID}},
		} {
			b.requireSelected(t, models.Selection{SubscriptionID: d.SubscriptionID, Since: c.since, Until: c.until}, c.want)
		}
	})
}

// requireSelected checks that a walk in small steps, and the count, find exactly the wanted ids in their order.
func (b *bundle) requireSelected(t *testing.T, sel models.Selection, want []string) {
	t.Helper()
	count, err := b.CountDeliveries(t.Context(), sel)
	require.NoError(t, err)
	require.Equal(t, len(want), count)
	requireSwept(t, want, func(after string, limit int) ([]*models.Delivery, error) {
		return b.SelectDeliveries(t.Context(), sel, after, limit)
	}, deliveryID)
}

// requireSwept checks that a walk in small steps finds exactly the wanted ids, in their order.
func requireSwept[M any](
	t *testing.T, want []string, list func(after string, limit int) ([]M, error), id func(M) string,
) {
	t.Helper()
	got := []string{}
	for after := ""; len(got) <= len(want); after = got[len(got)-1] { // a list that repeats itself would never end
		some, err := list(after, 2)
		require.NoError(t, err)
		require.LessOrEqual(t, len(some), 2)
		if len(some) == 0 {
			break
		}
		got = append(got, ids(some, id)...)
	}
	require.Equal(t, want, got)
}
