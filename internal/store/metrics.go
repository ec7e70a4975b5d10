package store

import (
	"database/sql"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"gorm.io/gorm"
)

// Collectors are the metrics of the store: its connections and its shared commits.
func (s *Store) Collectors() []prometheus.Collector {
	all := []prometheus.Collector{s.commits.writes, s.commits.wait}
	for name, pool := range s.pools() {
		all = append(all, collectors.NewDBStatsCollector(pool, name))
	}
	return all
}

// pools are the pools of connections by name: one on Postgres, and on SQLite one to read and one to write.
func (s *Store) pools() map[string]*sql.DB {
	named := map[string]*gorm.DB{"read": s.read, "write": s.write}
	if s.read == s.write {
		named = map[string]*gorm.DB{"all": s.write}
	}
	pools := map[string]*sql.DB{}
	for name, pool := range named {
		if db, err := pool.DB(); err == nil {
			pools[name] = db
		}
	}
	return pools
}

// commitMetrics measure how writes share commits.
type commitMetrics struct {
	writes, wait prometheus.Histogram
}

func newCommitMetrics() *commitMetrics {
	return &commitMetrics{
		writes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "posthaste_commit_writes", Help: "Writes that shared a commit.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, groupLimit},
		}),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "posthaste_commit_wait_seconds", Help: "Time that a write waited for its commit to begin.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
}

// begin measures a batch whose commit begins.
func (m *commitMetrics) begin(batch []*write) {
	now := time.Now()
	m.writes.Observe(float64(len(batch)))
	for _, w := range batch {
		m.wait.Observe(now.Sub(w.since).Seconds())
	}
}
