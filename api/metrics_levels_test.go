package api_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
)

// levelStore answers with its totals, or not at all.
type levelStore struct {
	totals models.Totals
	hangs  bool
	asked  int
}

func (s *levelStore) Backlog(ctx context.Context) (int, time.Time, error) {
	s.asked++
	if s.hangs {
		<-ctx.Done()
		return 0, time.Time{}, errors.New("away")
	}
	return 1, time.Now().Add(-time.Minute), nil
}

func (s *levelStore) Totals(context.Context, time.Time) (models.Totals, error) { return s.totals, nil }

func (*levelStore) Size(context.Context) (size, free int64, err error) { return 4096, 1024, nil }

func TestLevels(t *testing.T) {
	t.Parallel()

	t.Run("are shown, and counted once for scrapes that come together", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &levelStore{totals: models.Totals{Pending: 2, Held: 3, Exhausted: 4, Overdue: 5, Failing: 6, FailingLong: 7}}
			registry := registryOf(s, "")
			want := map[string]float64{
				"posthaste_backlog_events": 1, "posthaste_backlog_age_seconds": 60, "posthaste_database_bytes": 4096, "posthaste_deliveries": 2 + 3 + 4,
				"posthaste_deliveries_overdue": 5, "posthaste_subscriptions_failing": 6, "posthaste_subscriptions_failing_long": 7,
			}
			require.Subset(t, gathered(t, registry), want)
			s.totals = models.Totals{}
			require.Subset(t, gathered(t, registry), want)
			require.Equal(t, 1, s.asked)
			<-time.After(10 * time.Second)
			require.Subset(t, gathered(t, registry), map[string]float64{"posthaste_deliveries": 0})
		})
	})

	t.Run("are left out while the store is away, which holds up one scrape alone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &levelStore{hangs: true}
			registry := registryOf(s, "")
			began := time.Now()
			for range 3 {
				shown := gathered(t, registry)
				require.NotContains(t, shown, "posthaste_backlog_events")
				require.NotContains(t, shown, "posthaste_deliveries")
				require.Contains(t, shown, "posthaste_build_info")
			}
			require.Equal(t, 2*time.Second, time.Since(began))
		})
	})
}

// registryOf has the metrics that every process has.
func registryOf(s api.LevelStore, version string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	api.Register(registry, s, slog.New(slog.DiscardHandler), version)
	return registry
}

// gathered are the metrics shown, each as the sum of its series.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	sums := map[string]float64{}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			sums[family.GetName()] += series.GetGauge().GetValue()
		}
	}
	return sums
}
