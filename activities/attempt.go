package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/posthaste/posthaste/models"
)

// AttemptDeliveryInput names the delivery.
type AttemptDeliveryInput struct {
	DeliveryID string `json:"delivery_id"`
	// Wait makes the first dispatch wait until the stored time of the next attempt. It is set after an attempt was made
	// elsewhere, by a local activity. Without it the first dispatch sends at once.
	Wait bool `json:"wait,omitempty"`
	// Resumed releases a held delivery as soon as its subscription is no longer paused. Without it, it waits for its turn.
	Resumed bool `json:"resumed,omitempty"`
	// Claimed makes the first attempt of a delivery that was claimed for this workflow. Without it nothing is sent while
	// the claim lasts; with it, nothing is sent after the claim has ended.
	Claimed bool `json:"claimed,omitempty"`
	// Tell ends the activity as Retrying when the attempt has failed and there will be another attempt.
	Tell bool `json:"tell,omitempty"`
}

// AttemptDeliveryResult says which attempt delivered.
type AttemptDeliveryResult struct {
	Attempt int `json:"attempt"`
}

// AttemptDelivery makes the next attempt of a delivery and records it. It returns a result when the delivery is
// delivered, a retryable error with the schedule's delay when the receiver failed, a final error when there is nothing
// more to try, and a plain error when we failed ourselves.
//
// If the process dies between sending and recording, the attempt is made again under the same number: at least once.
func (a *Activities) AttemptDelivery(ctx context.Context, in AttemptDeliveryInput) (*AttemptDeliveryResult, error) {
	if !a.begin(ctx, in) {
		return nil, retryAfter(NotDue, "an attempt is being made", time.Second)
	}
	defer a.attempting.Delete(in.DeliveryID)
	// The rows are loaded anew each time, so that a change of the subscription acts on the very next attempt.
	work, err := a.store.Work(ctx, in.DeliveryID)
	if err != nil {
		return nil, ours("load delivery", err)
	}
	next, err := a.next(ctx, in, work)
	if err != nil {
		return nil, err
	}
	switch next.Do {
	case models.DoSend:
		return a.attempt(ctx, in, work)
	case models.DoEnd:
		return a.conclude(work.Delivery.Status, work.Delivery.Attempts, next.Why)
	case models.DoRest:
		if in.Claimed {
			a.giveBack(ctx, in.DeliveryID)
		}
		return nil, final(Held, next.Why)
	default:
		return nil, retryAfter(NotDue, next.Why, next.In)
	}
}

// begin reports whether no other attempt of the delivery is under way in this process: Temporal dispatches a workflow task
// that it regards as lost again while its local attempt still runs here. The only attempt that may be made under a claim
// waits a moment for a call that merely asks the gates.
func (a *Activities) begin(ctx context.Context, in AttemptDeliveryInput) bool {
	for range 20 {
		if _, attempting := a.attempting.LoadOrStore(in.DeliveryID, true); !attempting {
			return true
		}
		if !in.Claimed {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return false
}

// next asks the gates what to do for the delivery, and makes the changes for which they ask.
func (a *Activities) next(ctx context.Context, in AttemptDeliveryInput, work *models.Work) (models.Next, error) {
	asked := askedBy(ctx, in, work)
	next := work.Next(a.now(), asked)
	for ; next.Do == models.DoChange; next = work.Next(a.now(), asked) {
		before, change := work.Delivery, next.Change
		after, err := a.store.ChangeDelivery(ctx, before.ID, change)
		if err != nil {
			return next, ours(string(change.Act)+" delivery", err)
		}
		if after.Status == before.Status && after.NextAttemptAt.Equal(before.NextAttemptAt) { // the loaded rows were stale
			return next, retryAfter(NotDue, next.Why+"; that has just changed", time.Millisecond)
		}
		work.Delivery = after
	}
	if next.Do == models.DoWait && asked.First && asked.Wait {
		activity.RecordHeartbeat(ctx, true) // see askedBy
	}
	return next, nil
}

// askedBy returns what the gates need to know of the dispatch. The first dispatch of a Wait records a heartbeat when it
// waits: a first dispatch that finds the heartbeat, like one without Wait, is a Reset in Temporal if it is ahead of time.
func askedBy(ctx context.Context, in AttemptDeliveryInput, work *models.Work) models.Asked {
	info := activity.GetInfo(ctx)
	asked := models.Asked{Resumed: in.Resumed, Claimed: in.Claimed, First: info.Attempt == 1, Wait: in.Wait}
	if asked.First && (!in.Wait || activity.HasHeartbeatDetails(ctx)) {
		asked.Reset = fmt.Sprintf("%s/reset/%d", info.WorkflowExecution.RunID, work.Number())
	}
	return asked
}

// tooSlow leaves an attempt within a workflow task to a regular activity if the subscription has become too slow: the
// attempt may have been planned long ago, behind a thousand others. A claim is for this attempt alone.
func (a *Activities) tooSlow(ctx context.Context, in AttemptDeliveryInput, work *models.Work) error {
	if !activity.GetInfo(ctx).IsLocalActivity || in.Claimed || !a.speed.hangs(work.Subscription.ID) {
		return nil
	}
	return retryAfter(NotDue, "the subscriber has become slow", 0)
}

// attempt sends, decides, records and tells Temporal, in this order.
func (a *Activities) attempt(ctx context.Context, in AttemptDeliveryInput, work *models.Work) (*AttemptDeliveryResult, error) {
	if err := a.tooSlow(ctx, in, work); err != nil {
		return nil, err
	}
	// An attempt that cannot be recorded would be made again and again.
	if err := a.store.Writable(ctx); err != nil {
		return nil, ours("make sure that the attempt can be recorded", err)
	}
	ctx, stop := uninterrupted(ctx)
	defer stop()
	ctx, span := a.tracer.Attempt(ctx, work)
	attempt, err := a.carry(ctx, work)
	if err != nil {
		span.NotAttempted()
		return nil, err
	}
	outcome := work.Outcome(attempt, a.now(), a.random())
	span.Attempted(attempt, outcome)
	if err := a.record(ctx, attempt, outcome); err != nil {
		return nil, err
	}
	a.metrics.count(work, attempt, outcome)
	a.logAttempt(ctx, work, attempt, outcome)
	if outcome.DisableSubscription != "" {
		a.cancelWaiting(ctx, work.Subscription)
	}
	return a.report(in, work, attempt, outcome)
}

// carry has the courier make the attempt, and notes how fast the subscriber answers.
func (a *Activities) carry(ctx context.Context, work *models.Work) (*models.Attempt, error) {
	id := work.Subscription.ID
	defer a.speed.watch(id)()
	attempt, err := a.courier.Carry(ctx, work)
	if err == nil {
		a.speed.note(id, attempt.Succeeded(), attempt.Timing.Total)
	}
	return attempt, err
}

// report turns the outcome of an attempt into the activity's answer.
func (a *Activities) report(
	in AttemptDeliveryInput, work *models.Work, attempt *models.Attempt, outcome models.DeliveryOutcome,
) (*AttemptDeliveryResult, error) {
	message := fmt.Sprintf("attempt %d of %d: %s", attempt.Number, work.Allowed(), attempt.Error)
	switch {
	case outcome.Status != models.DeliveryPending:
		return a.conclude(outcome.Status, attempt.Number, message)
	case in.Tell:
		return nil, final(Retrying, message, Failing{Since: work.FailingSince(attempt)})
	default:
		return nil, retryAfter(AttemptFailed, message, outcome.NextAttemptAt.Sub(a.now()))
	}
}

// uninterrupted keeps the deadline and drops cancellation: a request that was sent is waited for and recorded.
func uninterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(context.WithoutCancel(ctx))
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// conclude turns the status of a closed delivery into the activity's answer.
func (a *Activities) conclude(status models.DeliveryStatus, attempts int, message string) (*AttemptDeliveryResult, error) {
	switch status {
	case models.DeliveryDelivered:
		return &AttemptDeliveryResult{Attempt: attempts}, nil
	case models.DeliveryExhausted:
		return nil, final(Exhausted, message+"; there is no further attempt", DeadLetter{Hold: a.hold})
	default:
		return nil, final(Cancelled, message)
	}
}
