package worker_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
)

func TestTenantWithOneEventIsNotBehindThatWithTenThousand(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.accept(t, "big", 10_000)
		b.accept(t, "small", 1)
		b.onStart = func(string) error {
			if n := len(b.begun); b.begun[n-1].Tenant == "small" && n > 2*aTurn+1 {
				return fmt.Errorf("it comes at place %d: after more than a turn, and one that had begun", n)
			}
			return nil
		}
		b.dispatch(t, worker.DispatcherOptions{})
		b.requireStarted(t, "small", 1)
		requireInOrder(t, b.requireStarted(t, "big", 1000), aTurn)
	})
}

func TestNeverMoreThanAheadAndOldestFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		const ahead, count = 20, 120
		b.subscribe(t, "a", 1)
		ended := 0
		b.onStart = func(id string) error {
			if is := len(b.begun) - ended; is > ahead {
				return fmt.Errorf("%d are outstanding", is)
			}
			return b.plan(id)
		}
		endNext := func(i int) {
			require.Eventually(t, func() bool { return len(b.started("a")) > i }, limit, time.Millisecond)
			b.mu.Lock()
			defer b.mu.Unlock()
			require.NoError(t, b.end(b.begun[i].EventID))
			ended++
		}
		d := b.dispatch(t, worker.DispatcherOptions{Ahead: ahead, SweepAfter: time.Hour})
		d.Wake(b.accept(t, "a", count/2)...)
		for i := range count / 2 { // one after the other, and each leaves room for another
			endNext(i)
			d.Wake(b.accept(t, "a", 1)...)
		}
		for i := count / 2; i < count-ahead; i++ {
			endNext(i)
		}
		requireInOrder(t, b.requireStarted(t, "a", count), ahead)
	})
}

func TestOutstandingCountsAlsoWhileNothingIsPlanned(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		d := b.dispatch(t, worker.DispatcherOptions{Ahead: 10})
		events := b.accept(t, "a", 100)
		d.Wake(events...)
		b.requireStarted(t, "a", 10)
		d.Wake(b.accept(t, "b", 1)...)
		b.requireStarted(t, "b", 1)
		for _, event := range events[:5] { // there are no subscribers: planned, they are done
			require.NoError(t, b.plan(event.ID))
		}
		require.NotContains(t, b.requireStarted(t, "a", 15), events[15].ID)
	})
}

func TestTemporalAwayThenBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.onStart = b.plan
		b.fail(serviceerror.NewUnavailable("away"))
		d := b.dispatch(t, worker.DispatcherOptions{SweepAfter: time.Hour})
		for range 40 {
			d.Wake(b.accept(t, "a", 10)...)
			d.Wake(b.accept(t, "b", 1)...)
		}
		require.Empty(t, b.started("a"))
		b.fail(nil)
		d.Wake(b.accept(t, "a", 1)...)
		requireInOrder(t, b.requireStarted(t, "a", 401), aTurn)
		b.requireStarted(t, "b", 40)
	})
}

func TestEventOfAProcessThatDiedIsFound(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.onStart = b.plan
		b.accept(t, "a", 3)
		b.dispatch(t, worker.DispatcherOptions{SweepAfter: 100 * time.Millisecond})
		b.requireStarted(t, "a", 3)
		b.accept(t, "a", 3)
		b.requireStarted(t, "a", 6)
	})
}

func TestEventThatAnotherProcessIsJustStartingIsLeftToIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.onStart = b.plan
		d := b.dispatch(t, worker.DispatcherOptions{SweepAfter: time.Hour})
		d.Wake(b.accept(t, "a", 1)...)
		b.accept(t, "a", 1)
		d.Wake(b.accept(t, "b", 200)...) // more than is started without asking
		b.requireStarted(t, "b", 200)
		b.requireStarted(t, "a", 1)
	})
}

func TestFullQueueLosesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		d := b.dispatcher(worker.DispatcherOptions{SweepAfter: time.Hour})
		for tenant := range 100 { // 4,500 events for a queue of 4,096
			d.Wake(b.accept(t, fmt.Sprintf("t%02d", tenant), 45)...)
		}
		b.run(t, d)
		for tenant := range 100 {
			b.requireStarted(t, fmt.Sprintf("t%02d", tenant), 45)
		}
	})
}

func TestEventWiderThanAheadIsStarted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.subscribe(t, "a", 30)
		b.onStart = b.plan
		events := b.accept(t, "a", 1)
		d := b.dispatch(t, worker.DispatcherOptions{Ahead: 10, SweepAfter: time.Hour})
		d.Wake(events...)
		b.requireStarted(t, "a", 1)
		for range 7 { // the dispatcher asks once it thinks there is no more room
			events = append(events, b.accept(t, "a", 1)...)
			d.Wake(events[len(events)-1])
		}
		for i := range events {
			require.Eventually(t, func() bool { return len(b.started("a")) > i }, limit, time.Millisecond)
			require.NoError(t, b.end(b.started("a")[i]))
		}
		b.requireStarted(t, "a", 8)
	})
}

// TestRoomIsNotLost starts many times what fits, of which nothing is ever attempted.
func TestRoomIsNotLost(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, b *bundle){
		"no subscriber": func(_ *testing.T, b *bundle) { b.onStart = b.plan },
		"held": func(t *testing.T, b *bundle) {
			_, err := b.UpdateSubscription(t.Context(), b.subscribe(t, "a", 1).ID, func(s *models.Subscription) error {
				s.Status = models.SubscriptionPaused
				return nil
			})
			require.NoError(t, err)
			b.onStart = b.plan
		},
		"cancelled": func(t *testing.T, b *bundle) {
			b.subscribe(t, "a", 3)
			b.onStart = func(id string) error { return errors.Join(b.plan(id), b.end(id)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, b *bundle) {
				prepare(t, b)
				d := b.dispatch(t, worker.DispatcherOptions{Ahead: 5, SweepAfter: time.Hour})
				d.Wake(b.accept(t, "a", 40)...)
				b.requireStarted(t, "a", 40)
			})
		})
	}
}

func TestRefusedEventsDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.fail(serviceerror.NewInvalidArgument("no"))
		d := b.dispatch(t, worker.DispatcherOptions{Ahead: 5})
		d.Wake(b.accept(t, "a", 20)...)
		d.Wake(b.accept(t, "b", 1)...)
		require.Eventually(t, func() bool { return b.refusals() >= 21 }, limit, time.Millisecond)
		b.fail(nil)
		d.Wake(b.accept(t, "a", 1)...)
		b.requireStarted(t, "a", 1)
	})
}

func TestTwoProcessesShareABacklog(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.onStart = b.plan
		one := b.dispatch(t, worker.DispatcherOptions{Ahead: 20})
		two := b.dispatch(t, worker.DispatcherOptions{Ahead: 20})
		for range 10 {
			one.Wake(b.accept(t, "a", 5)...)
			two.Wake(b.accept(t, "a", 5)...)
		}
		b.requireStarted(t, "a", 100)
	})
}

// TestRestoredStoreIsPlannedAgain has a store that was restored from a backup, and a Temporal that was not: it says of all
// events that they ran.
func TestRestoredStoreIsPlannedAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b *bundle) {
		b.onStart, b.ended = b.plan, true
		b.accept(t, "a", 200)
		d := b.dispatch(t, worker.DispatcherOptions{Ahead: 5})
		b.requireStarted(t, "a", 200)
		b.mu.Lock()
		b.ended = false
		b.mu.Unlock()
		d.Wake(b.accept(t, "a", 1)...)
		b.requireStarted(t, "a", 201)
	})
}
