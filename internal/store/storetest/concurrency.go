package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testConcurrency(t *testing.T, open Open) {
	run := cases(t, open)

	run("32 goroutines that publish, plan, record and list at once all succeed", func(t *testing.T, b *bundle) {
		b.subscription(t, "*")
		errs := make([]error, 32)
		atOnce(len(errs), func(i int) {
			for range 5 {
				if errs[i] = b.deliverOne(t.Context()); errs[i] != nil {
					return
				}
			}
		})
		for i, err := range errs {
			require.NoError(t, err, "goroutine %d", i)
		}
		all := collect(t, func(p models.Page) ([]*models.Delivery, error) {
			return b.Deliveries(t.Context(), models.DeliveryFilter{
				Tenant: b.tenant, Status: models.DeliveryDelivered, Page: p,
			})
		}, deliveryID)
		require.Len(t, all, 5*len(errs))
	})

	run("it answers a ping, and not on a cancelled context", func(t *testing.T, b *bundle) {
		require.NoError(t, b.Ping(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, b.Ping(ctx), context.Canceled)
	})
}

// deliverOne takes an event along its whole road. It reports instead of failing: it runs in goroutines.
func (b *bundle) deliverOne(ctx context.Context) error {
	e := b.newEvent("a")
	if _, err := b.CreateEvents(ctx, []*models.Event{e}); err != nil {
		return err
	}
	if _, err := b.PlanDeliveries(ctx, e.ID, nil); err != nil {
		return err
	}
	targets, err := b.Targets(ctx, e.ID, 0, 10)
	if err != nil || len(targets) != 1 {
		return fmt.Errorf("%d targets: %w", len(targets), err)
	}
	d := &models.Delivery{ID: targets[0].DeliveryID, EventID: e.ID}
	for number := 1; number <= 2; number++ {
		outcome := models.DeliveryOutcome{Status: models.DeliveryPending, NextAttemptAt: time.Now()}
		if number == 2 {
			outcome.Status = models.DeliveryDelivered
		}
		if err := b.RecordAttempt(ctx, newAttempt(d, number), outcome); err != nil {
			return err
		}
	}
	_, err = b.Events(ctx, models.EventFilter{Tenant: b.tenant})
	return err
}
