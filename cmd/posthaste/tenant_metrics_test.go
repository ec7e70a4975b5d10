package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/models"
)

// TestTenantMetricsAreBounded counts for more tenants than get a label, at the same time.
func TestTenantMetricsAreBounded(t *testing.T) {
	t.Parallel()
	n := &node{registry: prometheus.NewRegistry()}
	n.countTenants(config.Metrics{MetricsTenants: 3})
	var wait sync.WaitGroup
	for i := range 200 {
		wait.Go(func() {
			n.countAccepted(fmt.Sprint("tenant", i%20))
			n.countAttempt(fmt.Sprint("tenant", i%20), models.DeliveryDelivered)
		})
	}
	wait.Wait()
	families, err := n.registry.Gather()
	require.NoError(t, err)
	require.Len(t, families, 2)
	for _, family := range families {
		counts := map[string]float64{}
		for _, series := range family.GetMetric() {
			for _, label := range series.GetLabel() {
				if label.GetName() == "tenant" {
					counts[label.GetValue()] += series.GetCounter().GetValue()
				}
			}
		}
		require.Len(t, counts, 4, family.GetName())
		require.InDelta(t, 170, counts[otherTenants], 0)
	}
}
