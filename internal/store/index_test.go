package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/posthaste/posthaste/models"
)

// TestEveryListGoesThroughAnIndex asks SQLite, whose choice does not depend on how full the tables are.
func TestEveryListGoesThroughAnIndex(t *testing.T) {
	t.Parallel()
	ctx, now := t.Context(), time.Now()
	next := models.Page{After: "x"}
	for name, c := range map[string]struct {
		list  func(s *Store) error
		index string
	}{
		"events of a tenant": {func(s *Store) error {
			_, err := s.Events(ctx, models.EventFilter{Tenant: "a", Page: next})
			return err
		}, "events_tenant (tenant=? AND id<?)"},
		"events of a type": {func(s *Store) error {
			_, err := s.Events(ctx, models.EventFilter{Tenant: "a", Type: "b", Page: next})
			return err
		}, "events_tenant_type (tenant=? AND type=? AND id<?)"},
		"events of a time": {func(s *Store) error {
			_, err := s.Events(ctx, models.EventFilter{Since: now, Until: now, Page: models.Page{Limit: 50}})
			return err
		}, "sqlite_autoindex_events_1 (id>? AND id<?)"},
		"the event with a key": {func(s *Store) error {
			_, err := s.Events(ctx, models.EventFilter{Tenant: "a", IdempotencyKey: "b", Page: models.Page{Limit: 50}})
			return err
		}, "events_idempotency (tenant=? AND idempotency_key=?)"},
		"URLs of subscriptions": {func(s *Store) error {
			_, err := s.SubscriptionURLs(ctx, []string{"a", "b"})
			return err
		}, "sqlite_autoindex_subscriptions_1 (id=?)"},
		"accepted events": {func(s *Store) error {
			_, err := s.AcceptedEvents(ctx, "a", now, "x", 10)
			return err
		}, "events_waiting (tenant=? AND id>?)"},
		"tenants with accepted events": {func(s *Store) error {
			_, err := s.AcceptedTenants(ctx, now, "x", 10)
			return err
		}, "COVERING INDEX events_waiting (tenant>?)"},
		"outstanding deliveries": {func(s *Store) error {
			_, err := s.Outstanding(ctx, []string{"a", "b"}, 1000)
			return err
		}, "COVERING INDEX deliveries_outstanding (tenant=?)"},
		"subscriptions": {func(s *Store) error {
			_, err := s.Subscriptions(ctx, models.SubscriptionFilter{Tenant: "a", Status: "active", Page: next})
			return err
		}, "subscriptions_tenant_status (tenant=? AND status=? AND id<?)"},
		"exhausted deliveries of a tenant": {func(s *Store) error {
			_, err := s.Deliveries(ctx, models.DeliveryFilter{Tenant: "a", Status: "exhausted", Page: next})
			return err
		}, "deliveries_tenant_status (tenant=? AND status=? AND id<?)"},
		"exhausted deliveries of a subscription": {func(s *Store) error {
			_, err := s.Deliveries(ctx, models.DeliveryFilter{SubscriptionID: "a", Status: "exhausted", Page: next})
			return err
		}, "deliveries_subscription_status (subscription_id=? AND status=? AND id<?)"},
		"what failed in the same way": {func(s *Store) error {
			_, err := s.Deliveries(ctx, models.DeliveryFilter{SubscriptionID: "a", Class: models.ErrorTimeout, Code: 503, Page: next})
			return err
		}, "deliveries_class (subscription_id=? AND last_class=? AND id<?)"},
		"deliveries since": {func(s *Store) error {
			_, err := s.Deliveries(ctx, models.DeliveryFilter{SubscriptionID: "a", Since: now, Page: next})
			return err
		}, "deliveries_subscription (subscription_id=? AND id>? AND id<?)"},
		"what is held for a subscription": {func(s *Store) error {
			_, err := s.SelectDeliveries(ctx, models.Selection{
				SubscriptionID: "a", Statuses: []models.DeliveryStatus{"held"}, Since: now, Until: now,
			}, "x", 10)
			return err
		}, "deliveries_subscription_status (subscription_id=? AND status=? AND id>? AND id<?)"},
		"what is open for a subscription": {func(s *Store) error {
			_, err := s.SelectDeliveries(ctx, models.Selection{
				SubscriptionID: "a", Statuses: []models.DeliveryStatus{"pending", "held", "exhausted"},
			}, "x", 10)
			return err
		}, "deliveries_subscription_status (subscription_id=? AND status=? AND id>?)"},
		"what is open for a subscription, counted": {func(s *Store) error {
			_, err := s.CountDeliveries(ctx, models.Selection{
				SubscriptionID: "a", Statuses: []models.DeliveryStatus{"pending", "held"}, Since: now,
			})
			return err
		}, "deliveries_subscription_status (subscription_id=? AND status=? AND id>?)"},
		"what is open for an event": {func(s *Store) error {
			_, err := s.SelectDeliveries(ctx, models.Selection{
				EventID: "a", Statuses: []models.DeliveryStatus{"pending", "held"},
			}, "x", 10)
			return err
		}, "(event_id=?"},
		"resuming subscriptions": {func(s *Store) error {
			_, err := s.ResumingSubscriptions(ctx, "x", 10)
			return err
		}, "subscriptions_resuming (id>?)"},
		"audit of a tenant": {func(s *Store) error {
			_, err := s.Audit(ctx, models.AuditFilter{Tenant: "a", By: "b", Page: next})
			return err
		}, "audit_tenant (tenant=? AND id<?)"},
		"audit of a subject": {func(s *Store) error {
			_, err := s.Audit(ctx, models.AuditFilter{Subject: "a", Page: next})
			return err
		}, "audit_subject (subject=? AND id<?)"},
		"events that a subscription missed": {func(s *Store) error {
			sub := &subscriptionRow{ID: "a", Tenant: "a", EventTypes: []string{"order.*", "user.made"}}
			return sweep(s.missing(ctx, sub, now, now).Select("id", "tenant", "type"), "x", 10).Find(&[]eventRow{}).Error
		}, "events_tenant (tenant=? AND id>? AND id<?)"},
		"recoveries of a tenant": {func(s *Store) error {
			_, err := s.Recoveries(ctx, models.RecoveryFilter{Tenant: "a", Page: next})
			return err
		}, "recoveries_tenant (tenant=? AND id<?)"},
		"recoveries of a subscription": {func(s *Store) error {
			_, err := s.Recoveries(ctx, models.RecoveryFilter{SubscriptionID: "a", Page: next})
			return err
		}, "recoveries_subscription (subscription_id=? AND id<?)"},
		"running recoveries": {func(s *Store) error {
			_, err := s.RunningRecoveries(ctx, "x", 10)
			return err
		}, "recoveries_running_id (id>?)"},
		"sources of a tenant": {func(s *Store) error {
			_, err := s.Sources(ctx, models.SourceFilter{Tenant: "a", Page: next})
			return err
		}, "sources_tenant (tenant=? AND id<?)"},
		"overdue deliveries": {func(s *Store) error {
			_, err := s.OverdueDeliveries(ctx, now, "", 10)
			return err
		}, "deliveries_pending (next_attempt_at<?)"},
		"targets": {func(s *Store) error {
			_, err := s.Targets(ctx, "a", 0, 10)
			return err
		}, "(event_id=? AND position>? AND position<?)"},
		"version of a tenant": {func(s *Store) error {
			_, err := takeVersioned[deliveryRow](s.read, "delivery", "a")
			if models.ErrorCode(err) == models.CodeNotFound {
				err = nil
			}
			return err
		}, "sqlite_autoindex_subscription_versions_1 (tenant=?)"},
		"subscriptions by their figures": {func(s *Store) error {
			_, err := s.SubscriptionStats(ctx, models.SubscriptionStatsFilter{Tenant: "a", Since: now, Until: now, Step: time.Hour, Sort: models.SortP95})
			return err
		}, "attempt_stats_tenant (tenant=? AND at>? AND at<?)"},
		"points of subscriptions": {func(s *Store) error {
			return addPoints(s.read, models.SubscriptionStatsFilter{Since: now, Until: now, Step: time.Hour}, map[string]*models.SubscriptionStats{"a": nil, "b": nil})
		}, "(subscription_id=? AND step=? AND at>? AND at<?)"},
		"what waits for subscriptions": {func(s *Store) error {
			_, err := standings(s.read, []string{"a", "b"})
			return err
		}, "COVERING INDEX deliveries_subscription_status (subscription_id=? AND status>? AND status<?)"},
		"what fails for subscriptions": {func(s *Store) error {
			_, err := standings(s.read, []string{"a", "b"})
			return err
		}, "deliveries_failing (subscription_id=?"},
		"subscribers": {func(s *Store) error {
			_, err := subscribers(s.read, "a", models.Patterns("order.paid"), "")
			return err
		}, "PRIMARY KEY (tenant=? AND pattern=? AND subscription_id>?)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := queryPlan(t, c.list)
			require.Contains(t, plan, c.index)
			require.NotContains(t, plan, "SCAN deliveries")
			require.NotContains(t, plan, "SCAN events")
			require.NotContains(t, plan, "SCAN subscription")
			require.NotContains(t, plan, "SCAN sources")
		})
	}
}

func TestTotalsReadIndexesOnly(t *testing.T) {
	t.Parallel()
	plan := queryPlan(t, func(s *Store) error {
		_, err := s.Totals(context.Background(), time.Now())
		return err
	})
	require.NotContains(t, plan, "SCAN deliveries\n")
	require.NotContains(t, plan, "USING INDEX", "which looks into the table, too")
	for _, index := range []string{
		"SCAN deliveries USING COVERING INDEX deliveries_pending\n", "COVERING INDEX deliveries_pending (next_attempt_at<?)",
		"COVERING INDEX deliveries_resting (status=?)", "COVERING INDEX deliveries_failing (subscription_id>?)",
		"COVERING INDEX deliveries_failing (subscription_id=? AND failing_since>? AND failing_since<?)",
	} {
		require.Contains(t, plan, index)
	}
}

// TestEverySearchGoesThroughAnIndex asks SQLite about each query of a search, in a tenant and in all.
func TestEverySearchGoesThroughAnIndex(t *testing.T) {
	t.Parallel()
	indexes := map[models.HitField]map[string]string{
		models.HitByIdempotencyKey: {
			"": "events_key (idempotency_key>? AND idempotency_key<?)", "a": "events_idempotency (tenant=? AND idempotency_key>? AND idempotency_key<?)",
		},
		models.HitByMetadata: {"": "PRIMARY KEY (value=?)", "a": "PRIMARY KEY (value=? AND tenant=?)"},
		models.HitByName:     {"": "subscriptions_name (<expr>>? AND <expr><?)", "a": "subscriptions_tenant_name (tenant=? AND <expr>>? AND <expr><?)"},
		models.HitByReceiver: {"": "subscriptions_receiver (<expr>>? AND <expr><?)", "a": "subscriptions_tenant_receiver (tenant=? AND <expr>>? AND <expr><?)"},
	}
	const searches = 5 // beside those of ids
	for _, tenant := range []string{"", "a"} {
		for prefix, of := range ids {
			plan := queryPlan(t, func(s *Store) error {
				_, err := lookup{table: of.table, id: "id", value: "id", text: prefix}.find(s.read, models.Search{Tenant: tenant, Limit: 10})
				return err
			})
			require.Contains(t, plan, "id>? AND id<?", of.table)
			require.NotContains(t, plan, "TEMP B-TREE", of.table)
		}
		for i := range searches {
			var look lookup
			plan := queryPlan(t, func(s *Store) error {
				look = lookups(s.read, "x")[i]
				_, err := look.find(s.read, models.Search{Tenant: tenant, Limit: 10})
				return err
			})
			require.Contains(t, plan, indexes[look.by][tenant], "%s by %s", look.kind, look.by)
			require.NotContains(t, plan, "TEMP B-TREE", "%s by %s", look.kind, look.by)
		}
		plan := queryPlan(t, func(s *Store) error {
			_, err := eventTypes(s.read, models.Search{Text: "x", Tenant: tenant, Kinds: []models.HitKind{models.HitEventType}, Limit: 10})
			return err
		})
		require.Contains(t, plan, map[string]string{"": "events_type (type>? AND type<?)", "a": "events_tenant_type (tenant=? AND type>? AND type<?)"}[tenant])
		require.NotContains(t, plan, "SCAN events")
	}
}

// queryPlan returns how SQLite would run the one query that list makes.
func queryPlan(t *testing.T, list func(s *Store) error) string {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "x.db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)

	recorder := &queryRecorder{Interface: logger.Discard}
	s.read = s.read.Session(&gorm.Session{Logger: recorder})
	require.NoError(t, list(s))
	var steps []struct{ Detail string }
	require.NoError(t, s.write.Raw("EXPLAIN QUERY PLAN "+recorder.query).Scan(&steps).Error)
	var plan strings.Builder
	for _, step := range steps {
		plan.WriteString(step.Detail + "\n")
	}
	return plan.String()
}

// queryRecorder keeps the last query instead of logging it.
type queryRecorder struct {
	logger.Interface
	query string
}

func (r *queryRecorder) Trace(_ context.Context, _ time.Time, query func() (string, int64), _ error) {
	r.query, _ = query()
}
