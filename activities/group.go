package activities

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/models"
)

const (
	// groupRequests bounds the first attempts that one group has under way at once. When a process dies, they are the
	// attempts of the group that may be made twice.
	groupRequests = 64
	// fewRequests is how many these are at first, and how many more they become whenever none of them ends within
	// requestPace. Receivers that answer at once need no more, and with more, all other work of the process would wait
	// longer for its turn on the processor.
	fewRequests = 16
	requestPace = 10 * time.Millisecond
	// groupTime is how long a group begins attempts. Deliveries that had no turn by then get workflows of their own.
	groupTime = 10 * time.Second
	// maxRequests bounds the first attempts that all groups of this process have under way at once.
	maxRequests = 1000
	// lateAnswer is how long a group waits for an answer: longer than an answer takes that counts as fast.
	lateAnswer = fastAnswer + fastAnswer/2
	// maxLate bounds the attempts that go on in this process after their group has ended. A group waits for further ones.
	maxLate = maxRequests / 2
)

// DeliverGroupInput names the events of a group, which are of one tenant.
type DeliverGroupInput struct {
	EventIDs []string `json:"event_ids"`
}

// DeliverGroupResult says what became of the events.
type DeliverGroupResult struct {
	Events     int `json:"events"`     // planned for the group; the others had been planned before, or are gone
	Deliveries int `json:"deliveries"` // of these events
	// Open has the deliveries that need a workflow of their own, and Others the events that do.
	Open   []models.GroupTarget `json:"open,omitempty"`
	Others []models.EventRef    `json:"others,omitempty"`
}

// DeliverGroup plans the events of a group for the workflow that calls it, and makes the first attempts at subscribers that
// answer fast, or are not known yet. The events with models.MaxGroupDeliveries deliveries at a time are planned in one
// transaction, and attempted before the next; each attempt is recorded as soon as it was made. When attempts are not settled,
// or take too long, the events that are not planned by then are left to workflows of their own.
//
// Calling it again, after a worker has died, goes on with the deliveries that have no recorded attempt.
func (a *Activities) DeliverGroup(ctx context.Context, in DeliverGroupInput) (*DeliverGroupResult, error) {
	workflowID, until := activity.GetInfo(ctx).WorkflowExecution.ID, a.now().Add(groupTime)
	result := &DeliverGroupResult{}
	for eventIDs := in.EventIDs; len(eventIDs) > 0; {
		began := a.now()
		plan, err := a.store.PlanGroup(ctx, workflowID, eventIDs, func(id string, _ int) bool { return !a.speed.hangs(id) })
		if err != nil {
			return nil, ours("plan group", err)
		}
		a.tellPlanned(ctx, began, plan.Planned)
		open, err := a.attemptAll(ctx, plan.Targets, until)
		if err != nil {
			return nil, err
		}
		result.add(plan, open)
		if len(result.Open) > 0 || a.now().After(until) || ctx.Err() != nil {
			result.Others = append(result.Others, plan.Rest...)
			break
		}
		eventIDs = nil
		for _, event := range plan.Rest {
			eventIDs = append(eventIDs, event.EventID)
		}
	}
	return result, nil
}

func (r *DeliverGroupResult) add(plan models.GroupPlan, open []models.GroupTarget) {
	r.Events += plan.Events
	r.Deliveries += plan.Deliveries
	r.Open = append(r.Open, open...)
	r.Others = append(r.Others, plan.Wide...)
}

// attemptAll makes the first attempts of the targets that were claimed, and returns the targets that are not settled. It
// fails if we have failed ourselves at any of them.
func (a *Activities) attemptAll(ctx context.Context, targets []models.GroupTarget, until time.Time) ([]models.GroupTarget, error) {
	g := &groupAttempts{activities: a, ctx: ctx, until: until, free: make(chan struct{}, groupRequests)}
	g.allow(fewRequests)
	bySubscription := map[string][]models.GroupTarget{}
	for _, target := range targets {
		if target.Claimed && !target.Attempted {
			bySubscription[target.SubscriptionID] = append(bySubscription[target.SubscriptionID], target)
		} else {
			g.leave(target)
		}
	}
	for _, some := range bySubscription {
		g.running.Go(func() { g.attemptAt(some) })
	}
	g.running.Wait()
	if g.err == nil { // otherwise they are attempted when the activity is retried
		a.giveBack(ctx, g.untried...)
	}
	slices.SortFunc(g.open, func(x, y models.GroupTarget) int { return strings.Compare(x.DeliveryID, y.DeliveryID) })
	return g.open, g.err
}

// groupAttempts are the first attempts of a group.
type groupAttempts struct {
	activities *Activities
	ctx        context.Context //nolint:containedctx // of the activity, which the attempts are part of
	until      time.Time
	free       chan struct{} // one for each further request that may be under way
	running    sync.WaitGroup

	mu      sync.Mutex
	allowed int   // requests under way at once
	err     error // our own failure at one of them
	open    []models.GroupTarget
	untried []string // ids of those of the open deliveries whose claim is to be given back
}

// attemptAt makes the attempts at one subscription. A subscription that is not known to answer fast gets one request, and
// the others only if it has answered that one fast.
func (g *groupAttempts) attemptAt(targets []models.GroupTarget) {
	fast := func() bool { return g.activities.speed.fast(targets[0].SubscriptionID) }
	rest := targets
	if !fast() {
		rest = targets[1:]
		g.acquire()
		g.attempt(targets[0])
	}
	for _, target := range rest {
		g.acquire()
		if !fast() || g.activities.now().After(g.until) || g.ctx.Err() != nil {
			g.free <- struct{}{}
			g.pass(target)
			continue
		}
		g.running.Go(func() { g.attempt(target) })
	}
}

// acquire waits until another request may be under way.
func (g *groupAttempts) acquire() {
	for {
		slow := time.NewTimer(requestPace)
		select {
		case <-g.free:
			slow.Stop()
			return
		case <-slow.C:
			g.allow(fewRequests)
		}
	}
}

// allow allows more requests at once, as far as the bound lets it.
func (g *groupAttempts) allow(more int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for ; more > 0 && g.allowed < groupRequests; more-- {
		g.allowed++
		g.free <- struct{}{}
	}
}

// attempt makes one attempt, and lets another one begin. Unless too many answers are late, it does not wait for one: the attempt
// goes on, and the delivery's own workflow waits until it is recorded.
func (g *groupAttempts) attempt(target models.GroupTarget) {
	defer func() { g.free <- struct{}{} }()
	a := g.activities
	if err := a.requests.Acquire(g.ctx, 1); err != nil {
		g.pass(target)
		return
	}
	done := a.attemptApart(g.ctx, target.DeliveryID)
	late := time.NewTimer(lateAnswer)
	defer late.Stop()
	select {
	case err := <-done:
		g.note(target, err)
		return
	case <-late.C:
	}
	if !a.late.TryAcquire(1) {
		g.note(target, <-done)
		return
	}
	go func() {
		defer a.late.Release(1)
		<-done //nolint:errcheck // the attempt is recorded, and its error logged
	}()
	g.leave(target)
}

// note notes the answer of AttemptDelivery.
func (g *groupAttempts) note(target models.GroupTarget, err error) {
	switch _, told := errors.AsType[*temporal.ApplicationError](err); {
	case Settled(err):
	case !told:
		g.mu.Lock()
		defer g.mu.Unlock()
		g.err = err
	case IsAttemptFailed(err):
		target.FailingSince = g.activities.now()
		g.leave(target)
	default:
		g.leave(target)
	}
}

// attemptApart makes the claimed first attempt of a delivery, which nobody interrupts, and gives its request back.
func (a *Activities) attemptApart(ctx context.Context, deliveryID string) <-chan error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), models.AttemptTime)
	done := make(chan error, 1)
	a.apart.Go(func() {
		defer a.requests.Release(1)
		defer cancel()
		_, err := a.AttemptDelivery(ctx, AttemptDeliveryInput{DeliveryID: deliveryID, Claimed: true})
		done <- err
	})
	return done
}

// Wait waits until the attempts are recorded that went on after their groups had ended. Call it after the worker has
// stopped, and before the store is closed. It is no method, as these are activities.
func Wait(a *Activities) { a.apart.Wait() }

// leave leaves a delivery to a workflow of its own.
func (g *groupAttempts) leave(target models.GroupTarget) {
	g.mu.Lock()
	defer g.mu.Unlock()
	target.Attempted, target.Claimed = target.Claimed || target.Attempted, false
	g.open = append(g.open, target)
}

// pass leaves a delivery to a workflow of its own that makes its first attempt.
func (g *groupAttempts) pass(target models.GroupTarget) {
	g.mu.Lock()
	g.untried = append(g.untried, target.DeliveryID)
	g.mu.Unlock()
	target.Claimed = false
	g.leave(target)
}

// giveBack ends the claims on deliveries that had no attempt. If that fails, their workflows wait until the claims are over.
func (a *Activities) giveBack(ctx context.Context, deliveryIDs ...string) {
	if len(deliveryIDs) == 0 {
		return
	}
	if err := a.store.GiveBack(ctx, deliveryIDs); err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "delivery.claims_not_given_back",
			slog.Int("deliveries", len(deliveryIDs)), slog.Any("error", err))
	}
}
