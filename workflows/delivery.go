package workflows

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
)

const (
	// maxOrigin bounds the origin in a signal, in bytes.
	maxOrigin = 200

	// checkHeldEvery is the interval at which a held delivery checks by itself whether it may go, in case a signal was lost.
	checkHeldEvery = 24 * time.Hour

	// changeSignalsWhileClosing is the version change that made a delivery act on signals that come while it closes.
	changeSignalsWhileClosing = "signals-while-closing"

	// retrying is the value of DeliveryStatus for a pending delivery whose first attempt has failed.
	retrying models.DeliveryStatus = "retrying"
)

// DeliverToSubscriber makes the attempts of one delivery until it is delivered (closes Completed), exhausted (Failed) or
// cancelled (Canceled). An exhausted delivery stays open for the dead-letter hold.
func DeliverToSubscriber(ctx workflow.Context, in DeliverToSubscriberInput) (*DeliverToSubscriberResult, error) {
	d := &delivery{
		in: in, state: State{DeliveryID: in.DeliveryID, Status: models.DeliveryPending}, failing: in.FailingSince,
		waiting: in.Local || in.Attempted,
	}
	if !in.FailingSince.IsZero() { // the run was started with the search attributes of a retry
		d.shown, d.dated = retrying, true
	}
	if err := d.setup(ctx); err != nil {
		return nil, err
	}
	return d.run(ctx)
}

// delivery is the state of DeliverToSubscriber.
type delivery struct {
	in      DeliverToSubscriberInput
	state   State
	signals signals
	shown   models.DeliveryStatus // the value of the search attribute DeliveryStatus; empty: it was never set
	failing time.Time             // when the first attempt failed; zero: none has failed, or the run does not show it
	dated   bool                  // the search attribute FailingSince is set
	why     string                // the last failure, as far as it is known
	waiting bool                  // an attempt was made before: the next one waits for its time in the row
	resumed bool                  // a resumption has released it: at the bounded rate it is its turn now
	cancels int                   // made in this run
	ended   bool                  // cancelled in Temporal, after which nothing more can run

	result *DeliverToSubscriberResult // how the workflow closes, once the last step is done
	err    error
}

// step is one stretch of a delivery's life. It returns the next step, or nil when the workflow closes.
type step func(workflow.Context) step

func (d *delivery) setup(ctx workflow.Context) error {
	d.signals.setup(ctx)
	d.showDetails(ctx, models.DeliveryPending, time.Time{})
	return workflow.SetQueryHandlerWithOptions(ctx, QueryState, func() (State, error) { return d.state, nil },
		workflow.QueryHandlerOptions{Description: "How the delivery stands."})
}

func (d *delivery) run(ctx workflow.Context) (*DeliverToSubscriberResult, error) {
	for next := d.first(); next != nil; {
		next = next(ctx)
	}
	return d.result, d.err
}

func (d *delivery) first() step {
	switch {
	case d.in.Redelivery:
		return d.bringForward
	case d.in.Local:
		return d.attemptLocally
	default:
		return d.attempt
	}
}

// attemptLocally makes one attempt within the workflow task. It ignores cancellation, which would interrupt the attempt
// half way.
func (d *delivery) attemptLocally(ctx workflow.Context) step {
	var result activities.AttemptDeliveryResult
	loose, _ := workflow.NewDisconnectedContext(ctx)
	in := activities.AttemptDeliveryInput{DeliveryID: d.in.DeliveryID, Wait: true}
	err := workflow.ExecuteLocalActivity(forLocalAttempt(loose), a.AttemptDelivery, in).Get(loose, &result)
	if err == nil || activities.IsFinal(err) {
		return d.settle(ctx, result, err)
	}
	if d.in.Tells && activities.IsAttemptFailed(err) {
		d.failing = workflow.Now(ctx)
	}
	return d.attempt
}

// attempt runs AttemptDelivery with all its retries until it ends, or a signal ends it. A signal interrupts the wait
// between attempts, never an attempt.
func (d *delivery) attempt(ctx workflow.Context) step {
	var result activities.AttemptDeliveryResult
	d.become(ctx, models.DeliveryPending, time.Time{})
	attempting, interrupt := workflow.WithCancel(forAttempt(ctx, d.in, d.host()))
	in := activities.AttemptDeliveryInput{
		DeliveryID: d.in.DeliveryID, Wait: d.waiting || d.resumed, Resumed: d.resumed,
		Tell: d.in.Tells && d.failing.IsZero(),
	}
	future := workflow.ExecuteActivity(attempting, a.AttemptDelivery, in)
	if d.signals.await(ctx, future, d.signals.any) {
		interrupt()
	}
	err := future.Get(ctx, &result)
	d.signals.read() // signals may have come while the interrupted attempt was still running
	if err == nil || activities.IsFinal(err) {
		return d.settle(ctx, result, err)
	}
	return d.interrupted(ctx, err)
}

// interrupted returns the step for the signal that ended the wait between two attempts.
func (d *delivery) interrupted(ctx workflow.Context, err error) step {
	switch {
	case ctx.Err() != nil:
		return d.stop
	case d.signals.acts():
		return d.act()
	case d.signals.resume:
		return d.resume
	default:
		return d.close(nil, err) // neither a signal nor an error of ours: close as Failed; the dispatcher's sweep starts it again
	}
}

// settle returns the step after a final outcome of AttemptDelivery.
func (d *delivery) settle(ctx workflow.Context, result activities.AttemptDeliveryResult, err error) step {
	if err == nil {
		return d.delivered(ctx, result.Attempt)
	}
	switch ending := activities.EndingOf(err); ending.Kind {
	case activities.Held:
		return d.hold
	case activities.Retrying:
		return d.retry(ctx, ending)
	case activities.Exhausted:
		return d.exhausted(ctx, err, ending.Hold)
	case activities.Cancelled:
		return d.cancelled(ctx, ending.Message)
	default:
		return d.close(nil, err)
	}
}

// retry continues with the retries, after it has shown them in the Web UI.
func (d *delivery) retry(ctx workflow.Context, ending activities.Ending) step {
	d.failing, d.why, d.waiting = ending.Since, ending.Message, true
	if ctx.Err() != nil || d.signals.any() {
		return d.interrupted(ctx, nil)
	}
	return d.attempt
}

// delivered closes the workflow as Completed.
func (d *delivery) delivered(ctx workflow.Context, attempt int) step {
	if d.signals.redeliver != nil && d.signals.redeliver.After < attempt {
		d.signals.redeliver = nil
	}
	if next := d.nextForSignal(ctx, models.DeliveryDelivered); next != nil {
		return next
	}
	d.state.Attempt = attempt
	d.end(ctx, models.DeliveryDelivered)
	return d.close(&DeliverToSubscriberResult{Attempt: attempt}, nil)
}

// cancelled closes the workflow as Canceled.
func (d *delivery) cancelled(ctx workflow.Context, reason string) step {
	if next := d.nextForSignal(ctx, models.DeliveryCancelled); next != nil {
		return next
	}
	d.state.Reason = reason
	d.end(ctx, models.DeliveryCancelled)
	return d.close(nil, temporal.NewCanceledError(reason))
}

// exhausted keeps a dead letter open for the hold, awaiting redeliver or cancel, and then closes the workflow as Failed.
func (d *delivery) exhausted(ctx workflow.Context, err error, hold time.Duration) step {
	d.state.Reason, d.why = err.Error(), activities.EndingOf(err).Message
	if d.in.Tells && d.failing.IsZero() {
		d.failing = workflow.Now(ctx)
	}
	if hold > 0 {
		if next := d.awaitDeadLetter(ctx, hold); next != nil {
			return next
		}
	} else if next := d.nextForSignal(ctx, models.DeliveryExhausted); next != nil {
		return next
	}
	d.end(ctx, models.DeliveryExhausted)
	return d.close(nil, err)
}

// awaitDeadLetter awaits a signal during the dead-letter hold, and returns the step that the signal asks for, or nil when
// the hold is over.
func (d *delivery) awaitDeadLetter(ctx workflow.Context, hold time.Duration) step {
	d.become(ctx, models.DeliveryExhausted, workflow.Now(ctx).Add(hold))
	waiting, stop := workflow.WithCancel(ctx)
	defer stop()
	d.signals.await(ctx, deadLetterTimer(waiting, hold), d.signals.acts)
	switch {
	case ctx.Err() != nil:
		return d.stop
	case d.signals.acts():
		return d.act()
	}
	return nil
}

// hold waits while the subscription is paused, for as long as it takes.
func (d *delivery) hold(ctx workflow.Context) step {
	d.become(ctx, models.DeliveryHeld, time.Time{})
	waiting, stop := workflow.WithCancel(ctx)
	defer stop()
	d.signals.await(ctx, heldTimer(waiting), d.signals.any)
	d.resumed = false
	if d.signals.any() || ctx.Err() != nil {
		return d.interrupted(ctx, nil)
	}
	return d.attempt
}

// resume tries again after the delivery was released.
func (d *delivery) resume(workflow.Context) step {
	d.signals.resume, d.resumed = false, true
	return d.attempt
}

// nextForSignal returns the step for a signal that came while the delivery was closing in the status, or nil. A cancel
// comes too late for a status that cannot be cancelled.
func (d *delivery) nextForSignal(ctx workflow.Context, status models.DeliveryStatus) step {
	d.signals.read()
	if !allows(status, models.ActCancel) {
		d.signals.cancel = nil
	}
	if d.ended || !d.signals.acts() || workflow.GetVersion(ctx, changeSignalsWhileClosing, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	return d.act()
}

// act returns the step for a cancel or a redelivery: the cancel comes first.
func (d *delivery) act() step {
	if d.signals.cancel != nil {
		return d.stop
	}
	return d.bringForward
}

// bringForward makes the next attempt due now: it ends the wait for the attempt, or opens a closed delivery again.
func (d *delivery) bringForward(ctx workflow.Context) step {
	d.signals.read()
	signal := RedeliverSignal{}
	if d.signals.redeliver != nil {
		signal = *d.signals.redeliver
	}
	d.signals.redeliver, d.resumed = nil, true
	d.state.Redeliveries++
	in := activities.BringForwardInput{
		DeliveryID: d.in.DeliveryID, After: signal.After, Why: signal.why(), Epoch: signal.Epoch,
		Origin: cmp.Or(models.Clip(signal.Origin, maxOrigin), d.origin(ctx, SignalRedeliver, d.state.Redeliveries)),
	}
	if err := bookkeep(forBookkeeping(ctx), a.BringForward, in, nil); err != nil && ctx.Err() == nil {
		return d.close(nil, err)
	}
	return d.attempt
}

// stop cancels the delivery in the store. The store decides: a delivery that it has as delivered stays delivered.
func (d *delivery) stop(ctx workflow.Context) step {
	d.ended = ctx.Err() != nil
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	why, before := models.Why{By: "temporal", Reason: "the workflow was cancelled"}, int64(0)
	if d.signals.cancel != nil {
		why, before = d.signals.cancel.why(), d.signals.cancel.Before
	}
	d.signals.cancel = nil
	d.cancels++
	in := activities.CancelDeliveryInput{
		DeliveryID: d.in.DeliveryID, Why: why, Origin: d.origin(ctx, SignalCancel, d.cancels), Before: before,
	}
	var closed activities.CancelDeliveryResult
	if err := bookkeep(forBookkeeping(ctx), a.CancelDelivery, in, &closed); err != nil {
		return d.close(nil, err)
	}
	switch closed.Status {
	case models.DeliveryDelivered:
		return d.delivered(ctx, closed.Attempts)
	case models.DeliveryExhausted:
		return d.exhausted(ctx, temporal.NewNonRetryableApplicationError("the schedule was used up", activities.Exhausted, nil), 0)
	case models.DeliveryCancelled:
		return d.cancelled(ctx, why.Words())
	case models.DeliveryPending, models.DeliveryHeld: // redelivered after the stop that the cancel belongs to
		return d.goOn()
	default:
		return d.close(nil, fmt.Errorf("delivery %s is %s after it was cancelled", d.in.DeliveryID, closed.Status))
	}
}

// goOn returns the step that continues a delivery after a cancel that did not apply to it.
func (d *delivery) goOn() step {
	if d.signals.redeliver != nil {
		return d.bringForward
	}
	d.waiting = true
	return d.attempt
}

// origin names an action of this run, so that its repetition is recognised.
func (d *delivery) origin(ctx workflow.Context, action string, n int) string {
	return workflow.GetInfo(ctx).WorkflowExecution.RunID + "/" + action + "/" + strconv.Itoa(n)
}

func (d *delivery) host() string {
	if d.in.Host == "" {
		return d.in.SubscriptionID
	}
	return d.in.Host
}

// become shows the status of the delivery in the query, the Web UI and, if need be, the search attribute.
func (d *delivery) become(ctx workflow.Context, status models.DeliveryStatus, until time.Time) {
	d.state.Status = status
	d.showDetails(ctx, status, until)
	if status == models.DeliveryPending && !d.failing.IsZero() {
		status = retrying
	}
	if d.shown == status || d.shown == "" && status == models.DeliveryPending {
		return
	}
	d.shown = status
	_ = workflow.UpsertTypedSearchAttributes(ctx, d.attributes(status)...) // fails only without keys
}

// attributes returns the search attributes that the status changes.
func (d *delivery) attributes(status models.DeliveryStatus) []temporal.SearchAttributeUpdate {
	changed := []temporal.SearchAttributeUpdate{attributeDeliveryStatus.ValueSet(string(status))}
	switch {
	case d.dated && status == models.DeliveryDelivered:
		d.dated = false
		return append(changed, attributeFailingSince.ValueUnset())
	case !d.dated && !d.failing.IsZero() && status != models.DeliveryDelivered:
		d.dated = true
		return append(changed, failingSince(d.failing))
	}
	return changed
}

// end shows the status of a workflow that closes: the search attribute repeats the close status only if it had another
// value before.
func (d *delivery) end(ctx workflow.Context, status models.DeliveryStatus) {
	d.state.Status = status
	if d.shown != "" {
		d.become(ctx, status, time.Time{})
	}
}

// close ends the workflow.
func (d *delivery) close(result *DeliverToSubscriberResult, err error) step {
	d.result, d.err = result, err
	return nil
}
