package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/posthaste/posthaste/models"
)

// crowd is how many callers a store has at once in these benchmarks.
const crowd = 64

// onDesks runs a benchmark on a desk of either kind.
func onDesks(b *testing.B, bench func(b *testing.B, d *desk)) {
	b.Helper()
	for name, options := range map[string]func(testing.TB) Options{"SQLite": sqliteAt, "Postgres": postgresAt} {
		d := newDesk(b, options(b))
		d.read, d.write = d.read.Session(&gorm.Session{Logger: logger.Discard}), d.write.Session(&gorm.Session{Logger: logger.Discard})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			bench(b, d)
		})
	}
}

// inCrowd calls do with each number below b.N, from so many goroutines.
func inCrowd(b *testing.B, callers int, do func(i int) error) {
	b.Helper()
	next := make(chan int)
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for n := range next {
				if err := do(n); err != nil {
					errs[i] = err
				}
			}
		})
	}
	b.ResetTimer()
	for n := range b.N {
		next <- n
	}
	close(next)
	all.Wait()
	b.StopTimer()
	for _, err := range errs {
		require.NoError(b, err)
	}
}

func BenchmarkRecordAttempt(b *testing.B) {
	for _, callers := range []int{1, crowd} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			onDesks(b, func(b *testing.B, d *desk) {
				ids := d.pending(b, b.N)
				inCrowd(b, callers, func(i int) error {
					return d.RecordAttempt(b.Context(), exampleAttempt(ids[i]), models.DeliveryOutcome{Status: models.DeliveryDelivered})
				})
			})
		})
	}
}

// exampleAttempt is a first attempt that a receiver answered as most do.
func exampleAttempt(deliveryID string) *models.Attempt {
	headers := map[string][]string{"Content-Type": {"application/json"}, "Webhook-Id": {deliveryID}, "Webhook-Timestamp": {"1700000000"}}
	return &models.Attempt{
		DeliveryID: deliveryID, Number: 1, StartedAt: time.Now(), URL: "https://shop.example/hook", RequestHeaders: headers,
		Exchange: models.Exchange{
			Status: 200, Header: headers, Body: []byte(`{"ok":true}`),
			Timing: models.Timing{Connect: time.Millisecond, FirstByte: 2 * time.Millisecond, Total: 3 * time.Millisecond},
		},
	}
}

func BenchmarkWorkOfMany(b *testing.B) {
	for _, callers := range []int{1, crowd} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			onDesks(b, func(b *testing.B, d *desk) {
				ids := d.pending(b, 200)
				inCrowd(b, callers, func(i int) error {
					_, err := d.Work(b.Context(), ids[i%len(ids)])
					return err
				})
			})
		})
	}
}

func BenchmarkCreateEvents(b *testing.B) {
	for _, callers := range []int{1, crowd} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			onDesks(b, func(b *testing.B, d *desk) {
				events := make([]*models.Event, b.N)
				for i := range events {
					events[i] = models.NewEvent(models.Event{Type: "a", Data: make([]byte, 1000), IdempotencyKey: models.NewID("")}, time.Now())
				}
				inCrowd(b, callers, func(i int) error {
					_, err := d.CreateEvents(b.Context(), events[i:i+1])
					return err
				})
			})
		})
	}
}
