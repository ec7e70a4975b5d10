package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// everyKind is what those find who may see all.
var everyKind = []models.HitKind{
	models.HitEvent, models.HitDelivery, models.HitSubscription, models.HitSource, models.HitRecovery, models.HitKey, models.HitErasure,
	models.HitEventType,
}

// search looks for the text in the tenant, or in all.
func (b *bundle) search(t *testing.T, tenant, text string) []models.Hit {
	t.Helper()
	hits, err := b.Search(t.Context(), models.Search{Text: text, Tenant: tenant, Kinds: everyKind, Limit: 10})
	require.NoError(t, err)
	return hits
}

func testSearch(t *testing.T, open Open) {
	run := cases(t, open)

	run("a thing is found by its id, or by how that begins, in its tenant", func(t *testing.T, b *bundle) {
		d := b.delivery(t)
		source, key, recovery := b.source(t), b.apiKey(t), b.recovery(t, d.SubscriptionID)
		for kind, id := range map[models.HitKind]string{
			models.HitEvent: d.EventID, models.HitDelivery: d.ID, models.HitSubscription: d.SubscriptionID, models.HitSource: source.ID,
			models.HitKey: key.ID, models.HitRecovery: recovery.ID,
		} {
			want := []models.Hit{{Kind: kind, ID: id, Tenant: b.tenant, By: models.HitByID, Value: id, Exact: true}}
			require.Equal(t, want, b.search(t, b.tenant, id))
			require.Equal(t, want, b.search(t, "", id))
			require.Empty(t, b.search(t, "another", id))
			want[0].Exact = false
			require.Equal(t, want, b.search(t, b.tenant, id[:len(id)-1]))
			none, err := b.Search(t.Context(), models.Search{Text: id, Tenant: b.tenant, Limit: 10})
			require.NoError(t, err)
			require.Empty(t, none, "of a kind that is not wanted")
		}
	})

	run("an event is found by its id, however many others name it", func(t *testing.T, b *bundle) {
		wanted := b.newEvent("a.b")
		require.NoError(t, b.publish(t, wanted).Err)
		for range 12 {
			e := b.newEvent("a.b")
			e.Metadata = map[string]string{"cause": wanted.ID}
			require.NoError(t, b.publish(t, e).Err)
		}
		hits := b.search(t, b.tenant, wanted.ID)
		require.Len(t, hits, 10)
		require.Equal(t, models.Hit{Kind: models.HitEvent, ID: wanted.ID, Tenant: b.tenant, By: models.HitByID, Value: wanted.ID, Exact: true}, hits[0])
	})

	run("a webhook is found by the provider's id, and not by what all of its source have", func(t *testing.T, b *bundle) {
		id, source := models.NewID("delivery-"), models.NewSourceID()
		e := b.newEvent("github.push")
		e.Metadata = map[string]string{"delivery_id": id, "source": source, "provider": "github"}
		e.Received = &models.Received{Method: "POST"}
		require.NoError(t, b.publish(t, e).Err)
		require.Len(t, b.search(t, b.tenant, id), 1)
		require.Empty(t, b.search(t, b.tenant, source))
	})

	run("an event is found by its key and by the values in its metadata, until it is removed", func(t *testing.T, b *bundle) {
		key, value := models.NewID("order-"), models.NewID("ref-")
		for i, suffix := range []string{"/2", "", "/1"} {
			e := b.newEvent("a.b")
			e.IdempotencyKey, e.Metadata = key+suffix, map[string]string{"ref": value, "again": value, "n": fmt.Sprint(i), "none": ""}
			require.NoError(t, b.publish(t, e).Err)
		}
		for _, tenant := range []string{b.tenant, ""} {
			hits := b.search(t, tenant, key)
			require.Equal(t, []string{key, key + "/1", key + "/2"}, []string{hits[0].Value, hits[1].Value, hits[2].Value})
			require.Equal(t, []bool{true, false, false}, []bool{hits[0].Exact, hits[1].Exact, hits[2].Exact})
			require.Equal(t, models.HitByIdempotencyKey, hits[0].By)
			require.Len(t, b.search(t, tenant, value), 3)
			require.Empty(t, b.search(t, tenant, value[:len(value)-1]), "metadata is found by whole values")
		}
		hits := b.search(t, b.tenant, value)
		require.Equal(t, models.Hit{Kind: models.HitEvent, ID: hits[0].ID, Tenant: b.tenant, By: models.HitByMetadata, Value: value, Exact: true}, hits[0])
		require.Empty(t, b.search(t, "another", key))
		require.Empty(t, b.search(t, "another", value))

		erasure, err := b.EraseEvent(t.Context(), &models.Event{ID: hits[0].ID, Tenant: b.tenant}, true, annForATest)
		require.NoError(t, err)
		b.eraseAll(t, erasure.ID)
		require.Equal(t, models.HitErasure, b.search(t, "", erasure.ID)[0].Kind)
		require.Len(t, b.search(t, b.tenant, value), 2)
	})

	run("a subscription is found by its name and its receiver, the exact one first", func(t *testing.T, b *bundle) {
		host := models.NewID("h-")
		host = host[:len(host)-2]
		for name, url := range map[string]string{
			"Shop": "https://" + host + ".example?x=1", "shop of Jo": "https://" + host + ".example:8443/a", "third": "https://" + host + ".example.org/hidden",
		} {
			sub := b.newSubscription("a")
			sub.Name, sub.URL = name, url
			require.NoError(t, b.CreateSubscription(t.Context(), sub))
		}
		for text, want := range map[string][]string{
			"SHOP": {"shop", "shop of jo"}, "shop o": {"shop of jo"},
			host: {host + ".example", host + ".example.org", host + ".example:8443"}, host + ".example": {host + ".example:8443", host + ".example", host + ".example.org"},
			"hidden": {}, "https": {},
		} {
			found := []string{}
			for _, hit := range b.search(t, b.tenant, text) {
				require.Equal(t, models.HitSubscription, hit.Kind)
				found = append(found, hit.Value)
			}
			require.Equal(t, want, found, text)
		}
		require.True(t, b.search(t, b.tenant, host+".example")[1].Exact)
		require.False(t, b.search(t, b.tenant, host+".example")[2].Exact)
		require.Len(t, b.search(t, "", host), 3)
	})

	run("an event type is found once, by how it begins", func(t *testing.T, b *bundle) {
		word := models.NewID("word_")
		for i := range 12 {
			for range 2 {
				b.event(t, fmt.Sprintf("%s.%02d", word, i))
			}
		}
		b.event(t, word)
		for _, tenant := range []string{b.tenant, ""} {
			hits := b.search(t, tenant, word)
			require.Len(t, hits, 10)
			require.Equal(t, models.Hit{Kind: models.HitEventType, Tenant: tenant, By: models.HitByType, Value: word, Exact: true}, hits[0])
			require.Equal(t, word+".08", hits[9].Value)
		}
		require.Empty(t, b.search(t, "another", word))
	})
}
