package main

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/models"
)

// otherTenants is the label of the tenants that get none of their own.
const otherTenants = "other"

// tenantMetrics count by tenant. The tenants that come first get a label of their own, so that the number of series is bounded.
// Safe for concurrent use.
type tenantMetrics struct {
	accepted, attempts *prometheus.CounterVec
	most               int

	mu    sync.RWMutex
	known map[string]bool
}

func newTenantMetrics(most int) *tenantMetrics {
	return &tenantMetrics{
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "posthaste_tenant_events_accepted_total", Help: "Events that were stored by this process, by tenant.",
		}, []string{"tenant"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "posthaste_tenant_attempts_total", Help: "Recorded attempts, by tenant and by the status that they gave the delivery.",
		}, []string{"tenant", "outcome"}),
		most: most, known: map[string]bool{},
	}
}

// countTenants shows metrics by tenant, if they are asked for.
func (n *node) countTenants(cfg config.Metrics) {
	if cfg.MetricsTenants == 0 {
		return
	}
	m := newTenantMetrics(cfg.MetricsTenants)
	n.registry.MustRegister(m.accepted, m.attempts)
	n.countAccepted, n.countAttempt = m.countAccepted, m.countAttempt
}

func (m *tenantMetrics) countAccepted(tenant string) {
	m.accepted.WithLabelValues(m.label(tenant)).Inc()
}

func (m *tenantMetrics) countAttempt(tenant string, outcome models.DeliveryStatus) {
	m.attempts.WithLabelValues(m.label(tenant), string(outcome)).Inc()
}

func (m *tenantMetrics) label(tenant string) string {
	m.mu.RLock()
	known, full := m.known[tenant], len(m.known) >= m.most
	m.mu.RUnlock()
	if known || !full && m.admit(tenant) {
		return tenant
	}
	return otherTenants
}

// admit gives the tenant a label of its own, if there is room.
func (m *tenantMetrics) admit(tenant string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) < m.most {
		m.known[tenant] = true
	}
	return m.known[tenant]
}
