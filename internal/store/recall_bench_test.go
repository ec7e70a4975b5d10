package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// onBothBenches runs a benchmark of either kind with memory as it is, and emptied each time.
func onBothBenches(b *testing.B, bench func(b *testing.B, d *desk, before func())) {
	b.Helper()
	for name, options := range map[string]func(testing.TB) Options{"SQLite": sqliteAt, "Postgres": postgresAt} {
		d := newDesk(b, options(b))
		b.Run(name+"/warm", func(b *testing.B) { bench(b, d, func() {}) })
		b.Run(name+"/cold", func(b *testing.B) { bench(b, d, d.forget) })
	}
}

// forget empties memory.
func (d *desk) forget() {
	d.memory.events.Purge()
	d.memory.subscriptions.cache.Purge()
	d.memory.matches.cache.Purge()
}

// BenchmarkWork is what an attempt reads.
func BenchmarkWork(b *testing.B) {
	onBothBenches(b, func(b *testing.B, d *desk, before func()) {
		b.Helper()
		targets, _ := d.plan(b, models.Event{Type: "order.paid"})
		for b.Loop() {
			before()
			_, err := d.Work(b.Context(), targets[0].DeliveryID)
			require.NoError(b, err)
		}
	})
}

// BenchmarkCandidates is what a plan reads, in one transaction.
func BenchmarkCandidates(b *testing.B) {
	onBothBenches(b, func(b *testing.B, d *desk, before func()) {
		b.Helper()
		event := d.publish(b, models.Event{Type: "order.paid"})
		require.NoError(b, d.inTransaction(b.Context(), "test", func(tx *gorm.DB) error {
			for b.Loop() {
				before()
				row, err := takeVersioned[eventRow](tx.Clauses(forUpdate), "event", event.ID,
					"id", "tenant", "type", "status", "deliveries")
				require.NoError(b, err)
				p := &planning{tx: tx, memory: d.memory, event: &row.Row, version: row.Version}
				found, err := p.candidates("")
				require.NoError(b, err)
				require.Len(b, found, 1)
				p.remember()
			}
			return nil
		}))
	})
}

// BenchmarkPlan is a whole plan, its commit included.
func BenchmarkPlan(b *testing.B) {
	onBothBenches(b, func(b *testing.B, d *desk, before func()) {
		b.Helper()
		events := make([]*models.Event, b.N)
		for i := range events {
			events[i] = d.publish(b, models.Event{Type: "order.paid"})
		}
		b.ResetTimer()
		for _, event := range events {
			before()
			_, err := d.PlanDeliveries(b.Context(), event.ID, nil)
			require.NoError(b, err)
		}
	})
}
