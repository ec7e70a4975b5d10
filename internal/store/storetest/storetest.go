package storetest

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// Open opens a store on a new, empty database without any migration applied, has Keys in it, and closes it when t
// ends. It may be called from parallel tests.
type Open func(t *testing.T) *store.Store

// Run runs the whole suite against the stores that open opens.
func Run(t *testing.T, open Open) {
	t.Helper()
	for name, area := range map[string]func(*testing.T, Open){
		"Migrations":    testMigrations,
		"CreateEvents":  testCreateEvents,
		"Events":        testEvents,
		"Subscriptions": testSubscriptions,
		"Update":        testUpdateSubscription,
		"Plan":          testPlan,
		"Group":         testGroup,
		"Deliveries":    testDeliveries,
		"Work":          testWork,
		"Life":          testLife,
		"Abandon":       testAbandon,
		"Cancel":        testCancelDelivery,
		"Redeliver":     testRedeliver,
		"Hold":          testHold,
		"Stop":          testStop,
		"Standing":      testStanding,
		"Pause":         testPause,
		"Resuming":      testResuming,
		"Select":        testSelect,
		"Audit":         testAudit,
		"Missing":       testMissing,
		"AddDelivery":   testAddDelivery,
		"Recoveries":    testRecoveries,
		"Running":       testRunningRecoveries,
		"Sources":       testSources,
		"APIKeys":       testAPIKeys,
		"Tenants":       testTenants,
		"Stats":         testStats,
		"Totals":        testTotals,
		"RankedStats":   testSubscriptionStats,
		"Search":        testSearch,
		"Erasure":       testErasure,
		"Attempts":      testAttempts,
		"Sweeps":        testSweeps,
		"Outstanding":   testOutstanding,
		"Concurrency":   testConcurrency,
		"Engine":        testEngine,
		"Health":        testHealth,
		"Retention":     testRetention,
		"Traces":        testTraces,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			area(t, open)
		})
	}
}

// bundle is a migrated store that the tests of an area share, each in a tenant of its own.
type bundle struct {
	*store.Store
	tenant string
}

// cases returns the function by which an area runs its tests: in parallel, on one database, in fresh tenants.
func cases(t *testing.T, open Open) func(name string, test func(t *testing.T, b *bundle)) {
	t.Helper()
	s := migrated(t, open)
	return func(name string, test func(t *testing.T, b *bundle)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &bundle{Store: s, tenant: models.NewID("tenant_")})
		})
	}
}

func migrated(t *testing.T, open Open) *store.Store {
	t.Helper()
	s := open(t)
	_, err := s.Migrate(t.Context())
	require.NoError(t, err)
	return s
}

func (b *bundle) newEvent(eventType string) *models.Event {
	return models.NewEvent(models.Event{Tenant: b.tenant, Type: eventType, Data: []byte(`{"n":1}`)}, time.Now())
}

// publish stores one event and returns what came of it.
func (b *bundle) publish(t *testing.T, e *models.Event) models.Created {
	t.Helper()
	created, err := b.CreateEvents(t.Context(), []*models.Event{e})
	require.NoError(t, err)
	require.Len(t, created, 1)
	return created[0]
}

func (b *bundle) event(t *testing.T, eventType string) *models.Event {
	t.Helper()
	created := b.publish(t, b.newEvent(eventType))
	require.NoError(t, created.Err)
	return created.Event
}

func (b *bundle) newSubscription(patterns ...string) *models.Subscription {
	return models.NewSubscription(models.Subscription{
		Tenant: b.tenant, Name: "shop", URL: "https://shop.example:8443/hook", EventTypes: patterns,
		Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
	}, time.Now())
}

func (b *bundle) subscription(t *testing.T, patterns ...string) *models.Subscription {
	t.Helper()
	sub := b.newSubscription(patterns...)
	require.NoError(t, b.CreateSubscription(t.Context(), sub))
	return sub
}

// plan plans the event and returns its deliveries by position.
func (b *bundle) plan(t *testing.T, eventID string) []*models.Delivery {
	t.Helper()
	plan, err := b.PlanDeliveries(t.Context(), eventID, nil)
	require.NoError(t, err)
	deliveries := collect(t, func(p models.Page) ([]*models.Delivery, error) {
		return b.Deliveries(t.Context(), models.DeliveryFilter{EventID: eventID, Page: p})
	}, deliveryID)
	require.Len(t, deliveries, plan.Deliveries)
	if plan.Deliveries <= models.MaxTargets {
		require.ElementsMatch(t, b.targets(t, eventID, 0, plan.Deliveries), plan.Targets)
	} else {
		require.Nil(t, plan.Targets)
	}
	sorted := make([]*models.Delivery, len(deliveries))
	for _, d := range deliveries {
		require.Less(t, d.Position, len(sorted))
		require.Nil(t, sorted[d.Position], "two deliveries at position %d", d.Position)
		sorted[d.Position] = d
	}
	return sorted
}

// delivery makes one pending delivery to a new subscription.
func (b *bundle) delivery(t *testing.T) *models.Delivery {
	t.Helper()
	eventType := models.NewID("type_")
	b.subscription(t, eventType)
	deliveries := b.plan(t, b.event(t, eventType).ID)
	require.Len(t, deliveries, 1)
	return deliveries[0]
}

func (b *bundle) reload(t *testing.T, d *models.Delivery) *models.Delivery {
	t.Helper()
	d, err := b.Delivery(t.Context(), d.ID)
	require.NoError(t, err)
	return d
}

// newAttempt makes an attempt with a value in every field: failed by default.
func newAttempt(d *models.Delivery, number int) *models.Attempt {
	return &models.Attempt{
		DeliveryID: d.ID, Number: number, StartedAt: time.Now(), URL: "https://shop.example:8443/hook",
		RequestHeaders: http.Header{"Webhook-Id": {d.EventID}, "X-Two": {"a", "b"}},
		Exchange: models.Exchange{
			Status: 503, Header: http.Header{"Retry-After": {"30"}}, Body: []byte("busy \x00 ünwell"), Cut: true,
			Timing: models.Timing{
				DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond,
				FirstByte: 4567 * time.Microsecond, Total: 5 * time.Second,
			},
			ErrorClass: models.ErrorStatus, Error: "answered 503",
		},
	}
}

func succeeded(a *models.Attempt) *models.Attempt {
	a.Status, a.ErrorClass, a.Error = http.StatusOK, "", ""
	return a
}

func eventID(e *models.Event) string               { return e.ID }
func subscriptionID(s *models.Subscription) string { return s.ID }
func deliveryID(d *models.Delivery) string         { return d.ID }

func ids[M any](items []M, id func(M) string) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = id(item)
	}
	return all
}

// collect walks a list to its end, page by page, each from the last id of the one before.
func collect[M any](t *testing.T, list func(models.Page) ([]M, error), id func(M) string) []M {
	t.Helper()
	const limit = 200
	var all []M
	for after := ""; ; {
		some, err := list(models.Page{After: after, Limit: limit})
		require.NoError(t, err)
		all = append(all, some...)
		if len(some) < limit {
			return all
		}
		after = id(some[len(some)-1])
	}
}

// requirePaged checks that walking a list in small pages finds exactly the wanted ids, newest first.
func requirePaged[M any](
	t *testing.T, want []string, list func(models.Page) ([]M, error), id func(M) string,
) {
	t.Helper()
	var got []string
	for page := (models.Page{Limit: 3}); len(got) <= len(want); { // a list that repeats itself would never end
		some, err := list(page)
		require.NoError(t, err)
		require.LessOrEqual(t, len(some), 3)
		if len(some) == 0 {
			break
		}
		got = append(got, ids(some, id)...)
		page.After = got[len(got)-1]
	}
	require.Equal(t, newestFirst(want), got)
}

func requireCode(t *testing.T, want models.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, models.ErrorCode(err), "%v", err)
}

// rounds is how often a race is run: in the first ones a pool still opens its connections, one after the other.
const rounds = 6

// atOnce runs n functions that all start together, and returns when all are done.
func atOnce(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }
