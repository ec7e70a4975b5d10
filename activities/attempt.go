package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/posthaste/posthaste/models"
)

// attemptTime is the longest that an attempt and its recording may take. A claim has to last that long when it begins.
const attemptTime = models.MaxTimeout + 30*time.Second

// clockSlack is the time by which an attempt may be early: Temporal's clock and ours need not agree to the millisecond.
const clockSlack = time.Second

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
	// Temporal dispatches a workflow task that it regards as lost again while its local attempt still runs here.
	if _, attempting := a.attempting.LoadOrStore(in.DeliveryID, true); attempting {
		return nil, retryAfter(NotDue, "an attempt is being made", time.Second)
	}
	defer a.attempting.Delete(in.DeliveryID)
	j, err := a.load(ctx, in.DeliveryID)
	if err != nil {
		return nil, err
	}
	if j.delivery.Status.Closed() {
		return a.conclude(j.delivery.Status, j.delivery.Attempts, j.words(cmp.Or(j.delivery.Reason, j.delivery.LastError)))
	}
	if j.obstacle != "" {
		return nil, a.obstructed(ctx, j)
	}
	if err := a.held(ctx, in, j); err != nil {
		return nil, err
	}
	if err := a.claimed(in, j); err != nil {
		return nil, err
	}
	if err := a.notDue(ctx, in, j); err != nil {
		return nil, err
	}
	if err := a.tooSlow(ctx, in, j); err != nil {
		return nil, err
	}
	// An attempt that cannot be recorded would be made again and again.
	if err := a.store.Writable(ctx); err != nil {
		return nil, ours("make sure that the attempt can be recorded", err)
	}
	return a.attempt(ctx, in, j)
}

// attempt sends, decides, records and tells Temporal, in this order.
func (a *Activities) attempt(ctx context.Context, in AttemptDeliveryInput, j *job) (*AttemptDeliveryResult, error) {
	ctx, stop := uninterrupted(ctx)
	defer stop()
	attempt, err := a.send(ctx, j)
	if err != nil {
		return nil, err
	}
	outcome := a.decide(j, attempt)
	if err := a.record(ctx, attempt, outcome); err != nil {
		return nil, err
	}
	a.pace.note(j.subscription.ID, attempt.Succeeded(), attempt.Timing.Total)
	a.logAttempt(ctx, j, attempt, outcome)
	if outcome.DisableSubscription != "" {
		a.cancelWaiting(ctx, j)
	}
	message := fmt.Sprintf("attempt %d of %d: %s", attempt.Number, j.allowed(), attempt.Error)
	if outcome.Status == models.DeliveryPending && in.Tell {
		since := j.delivery.FailingSince
		if since.IsZero() {
			since = attempt.StartedAt
		}
		return nil, final(Retrying, message, Failing{Since: since})
	}
	if outcome.Status == models.DeliveryPending {
		return nil, retryAfter(AttemptFailed, message, outcome.NextAttemptAt.Sub(a.now()))
	}
	return a.conclude(outcome.Status, attempt.Number, message)
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

// notDue keeps the schedule when Temporal dispatches early: after a lost worker, and in the first dispatch that
// follows a local attempt. A dispatch by the Web UI's Reset button is an operator's wish to try now; the heartbeat
// tells it from the first dispatch.
func (a *Activities) notDue(ctx context.Context, in AttemptDeliveryInput, j *job) error {
	wait, first := j.delivery.NextAttemptAt.Sub(a.now()), activity.GetInfo(ctx).Attempt == 1
	slack := clockSlack
	if first && in.Wait { // no timer of Temporal's has run yet, so none can be early
		slack = 0
	}
	if wait <= slack {
		return nil
	}
	if first {
		if j.delivery.Attempts == 0 { // a first attempt is due at once: the clock that planned it was ahead of ours
			return nil
		}
		if !in.Wait || activity.HasHeartbeatDetails(ctx) {
			return a.reset(ctx, j)
		}
		activity.RecordHeartbeat(ctx, true)
	}
	return retryAfter(NotDue, j.words(j.delivery.LastError), wait)
}

// reset treats a Reset in Temporal as a redelivery by hand: it is audited, and uses up no step of the schedule. A crash
// afterwards changes nothing, because the attempt is due then.
func (a *Activities) reset(ctx context.Context, j *job) error {
	now, info := a.now(), activity.GetInfo(ctx)
	why := models.Why{By: "temporal", Reason: "reset in Temporal"}
	origin := fmt.Sprintf("%s/reset/%d", info.WorkflowExecution.RunID, j.number())
	change := models.Change{Act: models.ActRedeliver, At: now, Why: why, Origin: origin, After: j.delivery.Attempts}
	if _, err := a.store.ChangeDelivery(ctx, j.delivery.ID, change); err != nil {
		return ours("bring the next attempt forward", err)
	}
	j.delivery.NextAttemptAt = now
	j.delivery.Forwarded++
	return nil
}

// claimed keeps two workflows from making the first attempt.
func (a *Activities) claimed(in AttemptDeliveryInput, j *job) error {
	now := a.now()
	left := models.ClaimLeft(j.delivery.ClaimedUntil, now)
	if left == 0 { // the claiming clock ran ahead, and so did the due time
		j.delivery.NextAttemptAt = now
	}
	switch {
	case in.Claimed && left <= attemptTime:
		return retryAfter(NotDue, "the claim is over, or nearly", 0)
	case !in.Claimed && left > 0:
		return retryAfter(NotDue, "the first attempt is being made by the event's workflow", left)
	}
	return nil
}

// tooSlow leaves an attempt within a workflow task to a regular activity if the subscription has become too slow: the
// attempt may have been planned long ago, behind a thousand others. A claim is for this attempt alone.
func (a *Activities) tooSlow(ctx context.Context, in AttemptDeliveryInput, j *job) error {
	if !activity.GetInfo(ctx).IsLocalActivity || in.Claimed || !a.pace.hangs(j.subscription.ID) {
		return nil
	}
	return retryAfter(NotDue, "the subscriber has become slow", 0)
}

// obstructed closes a delivery whose subscription or event no longer allows it.
func (a *Activities) obstructed(ctx context.Context, j *job) error {
	change := models.Change{Act: models.ActAbandon, Why: models.Why{Reason: j.obstacle}}
	if j.stopped {
		change = models.Change{Act: models.ActStop}
	}
	after, err := a.store.ChangeDelivery(ctx, j.delivery.ID, change)
	if err != nil {
		return ours("cancel delivery", err)
	}
	if !after.Status.Closed() { // redelivered since we looked
		return retryAfter(NotDue, j.words("it has just been redelivered"), time.Millisecond)
	}
	_, err = a.conclude(after.Status, j.delivery.Attempts, j.words(j.obstacle))
	return err
}
