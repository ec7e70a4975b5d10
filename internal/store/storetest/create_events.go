package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testCreateEvents(t *testing.T, open Open) {
	run := cases(t, open)

	run("an event comes back as it was, its data byte for byte", func(t *testing.T, b *bundle) {
		zone := time.FixedZone("east", 3*60*60)
		for _, data := range []string{
			"{ \"z\":1,\n\t\"a\" : 1.0e2, \"z\": 9007199254740993 }", `"\u0000 ü 🦔"`, "null", ` [ ] `,
		} {
			e := models.NewEvent(models.Event{
				Tenant: b.tenant, Type: "order.paid", Data: []byte(data),
				Metadata: map[string]string{"é": "ü", "a": ""}, IdempotencyKey: models.NewID("key-"),
			}, time.Now().In(zone))
			require.Equal(t, models.Created{Event: e}, b.publish(t, e))
			stored, err := b.Event(t.Context(), e.ID)
			require.NoError(t, err)
			require.Equal(t, e, stored)
			require.Equal(t, time.UTC, stored.CreatedAt.Location())
		}
	})

	run("one key and the same content is a duplicate of the first event", func(t *testing.T, b *bundle) {
		first, second := b.keyed("k", `{"a": 1}`), b.keyed("k", `{"a":1}`)
		require.False(t, b.publish(t, first).Duplicate)
		require.Equal(t, models.Created{Event: first, Duplicate: true}, b.publish(t, second))
		_, err := b.Event(t.Context(), second.ID)
		requireCode(t, models.CodeNotFound, err)
	})

	run("one key and other content is refused with the first event's id", func(t *testing.T, b *bundle) {
		first := b.publish(t, b.keyed("k", `1`)).Event
		created := b.publish(t, b.keyed("k", `2`))
		requireCode(t, models.CodeConflict, created.Err)
		require.ErrorContains(t, created.Err, "idempotency_key: ")
		require.ErrorContains(t, created.Err, first.ID)
		require.Nil(t, created.Event)
	})

	run("a key is unique in its tenant only, and by its case", func(t *testing.T, b *bundle) {
		b.publish(t, b.keyed("k", `1`))
		other := b.keyed("k", `2`)
		other.Tenant = models.NewID("tenant_")
		require.Equal(t, models.Created{Event: other}, b.publish(t, other))
		upper := b.keyed("K", `3`)
		require.Equal(t, models.Created{Event: upper}, b.publish(t, upper))
	})

	run("events without a key are never duplicates", func(t *testing.T, b *bundle) {
		require.False(t, b.publish(t, b.keyed("", `1`)).Duplicate)
		require.False(t, b.publish(t, b.keyed("", `1`)).Duplicate)
	})

	run("one bad item does not sink the rest of a batch", func(t *testing.T, b *bundle) {
		b.publish(t, b.keyed("taken", `1`))
		batch := []*models.Event{
			b.keyed("", `1`), b.keyed("taken", `2`), b.keyed("taken", `1`), b.keyed("new", `1`), b.keyed("new", `1`),
			b.keyed("new", `2`), b.keyed("", `2`),
		}
		created, err := b.CreateEvents(t.Context(), batch)
		require.NoError(t, err)
		require.Equal(t, models.Created{Event: batch[0]}, created[0])
		requireCode(t, models.CodeConflict, created[1].Err)
		require.True(t, created[2].Duplicate)
		require.Equal(t, models.Created{Event: batch[3]}, created[3])
		require.Equal(t, models.Created{Event: batch[3], Duplicate: true}, created[4])
		requireCode(t, models.CodeConflict, created[5].Err)
		require.Equal(t, models.Created{Event: batch[6]}, created[6])
		require.Len(t, b.allEvents(t), 4)
	})

	run("a batch of 1,001 is stored and answered in order", func(t *testing.T, b *bundle) {
		var batch []*models.Event
		for i := range 1001 {
			batch = append(batch, b.keyed(fmt.Sprint("k", i%999), `1`)) // the last two are duplicates
		}
		created, err := b.CreateEvents(t.Context(), batch)
		require.NoError(t, err)
		for i := range batch {
			require.Equal(t, batch[i%999].ID, created[i].Event.ID)
			require.Equal(t, i >= 999, created[i].Duplicate)
		}
		require.Len(t, b.allEvents(t), 999)
	})

	run("an empty batch is nothing", func(t *testing.T, b *bundle) {
		created, err := b.CreateEvents(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, created)
	})

	run("a taken id is a conflict, and nothing of the batch is stored", func(t *testing.T, b *bundle) {
		e := b.event(t, "a")
		_, err := b.CreateEvents(t.Context(), []*models.Event{b.keyed("", `1`), e})
		requireCode(t, models.CodeConflict, err)
		require.Len(t, b.allEvents(t), 1)
	})

	run("a cancelled context stores nothing and is not the caller's fault", func(t *testing.T, b *bundle) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := b.CreateEvents(ctx, []*models.Event{b.keyed("", `1`)})
		require.ErrorIs(t, err, context.Canceled)
		requireCode(t, models.CodeInternal, err)
		require.Empty(t, b.allEvents(t))
	})

	testCreateEventsAtOnce(run)
}

func testCreateEventsAtOnce(run func(string, func(*testing.T, *bundle))) {
	run("publishers with one key at once make exactly one event", func(t *testing.T, b *bundle) {
		for round := range rounds {
			results := make([]models.Created, 32)
			errs := make([]error, len(results))
			atOnce(len(results), func(i int) {
				e := b.keyed(fmt.Sprint("k", round), `{"n":1}`)
				created, err := b.CreateEvents(t.Context(), []*models.Event{e})
				if errs[i] = err; err == nil {
					results[i] = created[0]
				}
			})
			require.NoError(t, errors.Join(errs...))
			stored := b.allEvents(t)
			require.Len(t, stored, round+1)
			firsts := 0
			for _, created := range results {
				require.NoError(t, created.Err)
				require.Equal(t, stored[0].ID, created.Event.ID)
				if !created.Duplicate {
					firsts++
				}
			}
			require.Equal(t, 1, firsts)
		}
	})

	run("batches at once that share keys in opposite orders do not deadlock", func(t *testing.T, b *bundle) {
		for round := range rounds {
			errs := make([]error, 8)
			atOnce(len(errs), func(i int) {
				var batch []*models.Event
				for k := range 130 {
					batch = append(batch, b.keyed(fmt.Sprint(round, ".", k), `1`))
				}
				if i%2 == 1 {
					slices.Reverse(batch)
				}
				_, errs[i] = b.CreateEvents(t.Context(), batch)
			})
			require.NoError(t, errors.Join(errs...))
		}
		require.Len(t, b.allEvents(t), rounds*130)
	})
}

func (b *bundle) keyed(key, data string) *models.Event {
	return models.NewEvent(models.Event{
		Tenant: b.tenant, Type: "order.paid", Data: []byte(data), IdempotencyKey: key,
	}, time.Now())
}

func (b *bundle) allEvents(t *testing.T) []*models.Event {
	t.Helper()
	return collect(t, func(p models.Page) ([]*models.Event, error) {
		return b.Events(t.Context(), models.EventFilter{Tenant: b.tenant, Page: p})
	}, eventID)
}
