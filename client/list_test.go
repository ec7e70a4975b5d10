package client_test

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

const cursorOf = "c=1&é" // must be escaped

var firstPage, lastPage = answer(http.StatusOK, `{"data":[{"id":"x_3","workflow_id":"x_3"},{"id":"x_2","workflow_id":"x_2"}],"next_cursor":"`+cursorOf+`"}`),
	answer(http.StatusOK, `{"data":[{"id":"x_1","workflow_id":"x_1"}]}`)

// lists are all calls that list, with everything selected that can be.
var lists = map[string]struct {
	ids  func(context.Context, *client.Client) ([]string, error)
	asks string
}{
	"subscriptions": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.Subscriptions(ctx, client.SubscriptionFilter{Tenant: "acme", Status: "paused", PageSize: 2}),
				func(s client.Subscription) string { return s.ID })
		},
		asks: "GET /v1/subscriptions?limit=2&status=paused&tenant=acme",
	},
	"figures of subscriptions": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.SubscriptionStats(ctx, client.SubscriptionStatsFilter{Tenant: "acme", Text: "shop", Since: noon, Sort: "p95", PageSize: 2}),
				func(s client.SubscriptionStats) string { return s.ID })
		},
		asks: "GET /v1/stats/subscriptions?limit=2&q=shop&since=2026-11-22T12%3A00%3A00.5Z&sort=p95&tenant=acme",
	},
	"events": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.Events(ctx, client.EventFilter{Tenant: "acme", Type: "a.b", IdempotencyKey: "order 42", Since: noon, Until: noon.Add(1)}),
				func(e client.StoredEvent) string { return e.ID })
		},
		asks: "GET /v1/events?idempotency_key=order+42&since=2026-11-22T12%3A00%3A00.5Z&tenant=acme&type=a.b&until=2026-11-22T12%3A00%3A00.500000001Z",
	},
	"deliveries": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.Deliveries(ctx, client.DeliveryFilter{
				Tenant: "acme", SubscriptionID: "sub_1", EventID: "evt_1", EventType: "a.b", Status: "held", ErrorClass: "status", Code: 503, Since: noon, Until: noon, PageSize: 200,
			}), func(d client.Delivery) string { return d.ID })
		},
		asks: "GET /v1/deliveries?code=503&error_class=status&event_id=evt_1&event_type=a.b&limit=200&since=2026-11-22T12%3A00%3A00.5Z&status=held&subscription_id=sub_1&tenant=acme&until=2026-11-22T12%3A00%3A00.5Z",
	},
	"recoveries": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.Recoveries(ctx, client.RecoveryFilter{Tenant: "acme", SubscriptionID: "sub_1", Status: "running"}),
				func(r client.Recovery) string { return r.ID })
		},
		asks: "GET /v1/recoveries?status=running&subscription_id=sub_1&tenant=acme",
	},
	"sources": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.Sources(ctx, client.SourceFilter{Tenant: "acme", PageSize: 3}),
				func(s client.Source) string { return s.ID })
		},
		asks: "GET /v1/sources?limit=3&tenant=acme",
	},
	"workflows": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.Workflows(ctx, client.WorkflowFilter{Since: noon, PageSize: 3}),
				func(r client.WorkflowRun) string { return r.WorkflowID })
		},
		asks: "GET /v1/workflows?limit=3&since=2026-11-22T12%3A00%3A00.5Z",
	},
	"the audit": {
		ids: func(ctx context.Context, c *client.Client) ([]string, error) {
			return collect(c.Audit(ctx, client.AuditFilter{Tenant: "acme", Action: "event.cancel", Subject: "evt_1", By: "me & you", Since: noon, Until: noon}),
				func(e client.AuditEntry) string { return e.ID })
		},
		asks: "GET /v1/audit?action=event.cancel&by=me+%26+you&since=2026-11-22T12%3A00%3A00.5Z&subject=evt_1&tenant=acme&until=2026-11-22T12%3A00%3A00.5Z",
	},
}

func collect[T any](seq iter.Seq2[T, error], id func(T) string) (ids []string, err error) {
	for item, err := range seq {
		if err != nil {
			return ids, err
		}
		ids = append(ids, id(item))
	}
	return ids, nil
}

func TestLists(t *testing.T) {
	t.Parallel()

	for name, list := range lists {
		t.Run(name+" are walked through page by page", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, firstPage, lastPage)
			ids, err := list.ids(t.Context(), c)
			require.NoError(t, err)
			require.Equal(t, []string{"x_3", "x_2", "x_1"}, ids)
			require.Len(t, bundle.seen(), 2)
			require.Equal(t, list.asks, bundle.seen()[0].path)
			require.Contains(t, bundle.seen()[1].path, "cursor=c%3D1%26%C3%A9")
			_, query, _ := strings.Cut(list.asks, "?")
			for parameter := range strings.SplitSeq(query, "&") {
				require.Contains(t, bundle.seen()[1].path, parameter)
			}
		})

		t.Run(name+" end with an error on the second page, after what was on the first", func(t *testing.T) {
			t.Parallel()
			c, _ := setup(t, nil, firstPage, answer(http.StatusForbidden, ""))
			ids, err := list.ids(t.Context(), c)
			requireOnly(t, err, client.ErrUnauthorized)
			require.Equal(t, []string{"x_3", "x_2"}, ids)
		})

		t.Run(name+" are not read into any JSON", func(t *testing.T) {
			t.Parallel()
			c, _ := setup(t, nil, answer(http.StatusOK, `{"status":"ok"}`))
			_, err := list.ids(t.Context(), c)
			requireOnly(t, err, client.ErrAnswer)
		})
	}

	t.Run("fetch no page that is not wanted", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, firstPage)
		for d, err := range c.Deliveries(t.Context(), client.DeliveryFilter{}) {
			require.NoError(t, err)
			require.Equal(t, "x_3", d.ID)
			break
		}
		require.Equal(t, []string{"GET /v1/deliveries"}, paths(bundle))
	})

	t.Run("can be walked through twice", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, firstPage, lastPage)
		seq := c.Events(t.Context(), client.EventFilter{})
		for range 2 {
			_, err := collect(seq, func(e client.StoredEvent) string { return e.ID })
			require.NoError(t, err)
		}
		require.Len(t, bundle.seen(), 3)
		require.Equal(t, "GET /v1/events", bundle.seen()[2].path)
	})

	t.Run("end when the context does", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, firstPage, hangUp)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := collect(c.Events(ctx, client.EventFilter{}), func(e client.StoredEvent) string {
			cancel()
			return e.ID
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, bundle.seen(), 1)
	})
}

func paths(b *testBundle) []string {
	return slices.Collect(func(yield func(string) bool) {
		for _, c := range b.seen() {
			if !yield(c.path) {
				return
			}
		}
	})
}

func TestActor(t *testing.T) {
	t.Parallel()

	for name, actor := range map[string]string{
		"is too long": strings.Repeat("é", 101), "breaks the line": "me\nX-Other: 1", "is not UTF-8": "\xff", "cannot be printed": "a\u202eb",
	} {
		t.Run("that "+name+" is refused", func(t *testing.T) {
			t.Parallel()
			_, err := client.New("http://posthaste.example", apiKey, client.WithActor(actor))
			require.ErrorContains(t, err, "the actor")
			require.NotContains(t, err.Error(), actor)
		})
	}

	t.Run("is not sent without one", func(t *testing.T) {
		t.Parallel()
		c, bundle := setup(t, nil, answer(http.StatusOK, thing))
		require.NoError(t, c.DeleteSubscription(t.Context(), "sub_1"))
		require.NotContains(t, bundle.seen()[0].header, "Posthaste-Actor")
	})
}
