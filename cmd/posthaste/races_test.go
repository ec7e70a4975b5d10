package main

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"golang.org/x/sync/errgroup"

	"github.com/posthaste/posthaste/models"
)

// raced is how many deliveries take part in each race. The races do not run beside other tests: they need all CPUs, and one
// measures how soon after a pause the last attempts arrive.
const raced = 100

// tracker is a receiver that takes a random time to answer and notes, for each delivery, what a delivery must never do.
type tracker struct {
	url     string
	failing int // so many first attempts of a delivery are answered 500

	mu       sync.Mutex
	open     map[string]int         // requests of the delivery being answered
	arrivals map[string][]time.Time // of the delivery's requests
	overlaps []string               // deliveries with two requests at a time
}

func newTracker(t *testing.T, failing int) *tracker {
	t.Helper()
	r := &tracker{failing: failing, open: map[string]int{}, arrivals: map[string][]time.Time{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook"
	return r
}

func (r *tracker) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	id := request.Header.Get("X-Webhook-Delivery")
	status := r.enter(id)
	<-time.After(upTo(60 * time.Millisecond))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[id]--
	w.WriteHeader(status)
}

func (r *tracker) enter(id string) (status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[id]++; r.open[id] > 1 {
		r.overlaps = append(r.overlaps, id)
	}
	r.arrivals[id] = append(r.arrivals[id], time.Now())
	if len(r.arrivals[id]) <= r.failing {
		return http.StatusInternalServerError
	}
	return http.StatusNoContent
}

// since counts the requests that arrived after the time.
func (r *tracker) since(at time.Time) (count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, times := range r.arrivals {
		for _, arrived := range times {
			if arrived.After(at) {
				count++
			}
		}
	}
	return count
}

func upTo(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d))) }

func tenths(n int) []time.Duration {
	schedule := make([]time.Duration, n)
	for i := range schedule {
		schedule[i] = 100 * time.Millisecond
	}
	return schedule
}

func TestCancelRacesSuccess(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 0)
	n.subscribe(t, r.url)
	n.race(t, r, func(d *models.Delivery) error {
		<-time.After(upTo(150 * time.Millisecond))
		return n.control.Cancel(t.Context(), d, models.Why{By: "race"}, 0)
	}, models.DeliveryDelivered, models.DeliveryCancelled)
}

func TestRedeliverRacesRetry(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 3)
	n.subscribe(t, r.url, tenths(5)...)
	n.race(t, r, func(d *models.Delivery) error {
		for range 3 {
			<-time.After(upTo(200 * time.Millisecond))
			now, err := n.store.Delivery(t.Context(), d.ID)
			if err != nil {
				return err
			}
			if err := n.control.Redeliver(t.Context(), now, models.Why{By: "race"}, "", 0); err != nil {
				return err
			}
		}
		return nil
	}, models.DeliveryDelivered)
}

func TestCancelRacesRedeliver(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 1)
	n.subscribe(t, r.url, tenths(2)...)
	n.race(t, r, func(d *models.Delivery) error {
		for range 2 {
			<-time.After(upTo(150 * time.Millisecond))
			_ = n.control.Cancel(t.Context(), d, models.Why{By: "race"}, 0) // it may have closed
			<-time.After(upTo(150 * time.Millisecond))
			if err := n.control.Redeliver(t.Context(), d, models.Why{By: "race"}, "", 0); err != nil {
				return err
			}
		}
		return nil
	}, models.DeliveryDelivered, models.DeliveryCancelled)
}

func TestPauseRacesDispatch(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 0)
	sub := n.subscribe(t, r.url)
	paused := make(chan time.Time, 1)
	go func() {
		<-time.After(upTo(time.Second))
		n.setStatus(t, sub, models.SubscriptionPaused)
		paused <- time.Now()
	}()
	deliveries := n.startMany(t)
	at := <-paused
	require.Eventually(t, func() bool {
		held, err := n.store.CountDeliveries(t.Context(), models.Selection{
			SubscriptionID: sub.ID, Statuses: []models.DeliveryStatus{models.DeliveryPending},
		})
		return err == nil && held == 0
	}, deliveryLimit, 50*time.Millisecond)
	<-time.After(2 * time.Second)
	require.Zero(t, r.since(at.Add(time.Second)), "no attempt while it is paused, but those under way")
	n.setStatus(t, sub, models.SubscriptionActive)
	n.requireSettled(t, r, deliveries, models.DeliveryDelivered)
	require.Zero(t, r.most(1), "each was delivered once")
}

func TestResumeRacesPause(t *testing.T) {
	n := devHere(t)
	r := newTracker(t, 1)
	sub := n.subscribe(t, r.url, tenths(10)...)
	toggled := make(chan struct{})
	go func() {
		defer close(toggled)
		for range 10 {
			<-time.After(upTo(300 * time.Millisecond))
			n.setStatus(t, sub, models.SubscriptionPaused)
			<-time.After(upTo(300 * time.Millisecond))
			n.setStatus(t, sub, models.SubscriptionActive)
		}
	}()
	deliveries := n.startMany(t)
	<-toggled
	n.requireSettled(t, r, deliveries, models.DeliveryDelivered)
	require.Zero(t, r.most(2), "each failed once and was delivered once")
}

// most counts the deliveries that arrived more often than so many times.
func (r *tracker) most(times int) (count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, arrivals := range r.arrivals {
		if len(arrivals) > times {
			count++
		}
	}
	return count
}

// setStatus does what pausing and resuming do.
func (n *node) setStatus(t *testing.T, sub *models.Subscription, status models.SubscriptionStatus) {
	changed, err := n.store.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
		s.Status = status
		s.ResumeRate = models.MaxRate
		return nil
	})
	if err == nil && status == models.SubscriptionActive {
		err = n.control.Start(t.Context(), models.ResumeJob(changed, models.Why{By: "race"}))
	}
	if err != nil {
		t.Errorf("set status: %v", err)
	}
}

// race starts the deliveries and acts on each at once.
func (n *node) race(t *testing.T, r *tracker, act func(*models.Delivery) error, allowed ...models.DeliveryStatus) {
	t.Helper()
	deliveries := n.planMany(t)
	var group errgroup.Group
	group.SetLimit(16)
	for _, d := range deliveries {
		group.Go(func() error {
			var both errgroup.Group
			both.Go(func() error { return n.control.Begin(t.Context(), d) })
			both.Go(func() error { return act(d) })
			return both.Wait()
		})
	}
	require.NoError(t, group.Wait())
	n.requireSettled(t, r, deliveries, allowed...)
}

// planMany plans the deliveries of as many events to the only subscription.
func (n *node) planMany(t *testing.T) []*models.Delivery {
	t.Helper()
	var deliveries []*models.Delivery
	for range raced {
		event := n.accept(t)
		_, err := n.store.PlanDeliveries(t.Context(), event.ID, nil)
		require.NoError(t, err)
		planned, err := n.store.Deliveries(t.Context(), models.DeliveryFilter{EventID: event.ID})
		require.NoError(t, err)
		deliveries = append(deliveries, planned[0])
	}
	return deliveries
}

// startMany is planMany with the workflows started meanwhile.
func (n *node) startMany(t *testing.T) []*models.Delivery {
	t.Helper()
	deliveries := n.planMany(t)
	for _, d := range deliveries {
		require.NoError(t, n.control.Begin(t.Context(), d))
	}
	return deliveries
}

// requireSettled waits until every delivery's workflow has closed, and requires that the store, the workflow and the
// receiver agree.
func (n *node) requireSettled(t *testing.T, r *tracker, deliveries []*models.Delivery, allowed ...models.DeliveryStatus) {
	t.Helper()
	closes := map[models.DeliveryStatus]enumspb.WorkflowExecutionStatus{
		models.DeliveryDelivered: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
		models.DeliveryCancelled: enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED,
	}
	for _, d := range deliveries {
		n.awaitClosed(t, models.DeliveryWorkflowID(d.ID))
		row, err := n.store.Delivery(t.Context(), d.ID)
		require.NoError(t, err)
		require.Contains(t, allowed, row.Status)
		described, err := n.temporal.DescribeWorkflowExecution(t.Context(), models.DeliveryWorkflowID(d.ID), "")
		require.NoError(t, err)
		require.Equal(t, closes[row.Status], described.GetWorkflowExecutionInfo().GetStatus())
		n.requireNumbered(t, r, row)
	}
	require.Empty(t, r.overlaps, "two attempts of one delivery at a time")
}

// requireNumbered requires attempts without gaps or doubles, as many as arrived.
func (n *node) requireNumbered(t *testing.T, r *tracker, row *models.Delivery) {
	t.Helper()
	attempts, err := n.store.Attempts(t.Context(), row.ID)
	require.NoError(t, err)
	for i, a := range attempts {
		require.Equal(t, i+1, a.Number)
	}
	require.Len(t, attempts, row.Attempts)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Len(t, r.arrivals[row.ID], row.Attempts, "requests of %s", row.ID)
}
