package workflows

import (
	"cmp"
	"errors"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
)

// maxReason bounds each part of a reason for cancelling, in bytes.
const maxReason = 500

// DeliverToSubscriber makes the attempts of one delivery until it is delivered (closes Completed), exhausted (Failed) or
// cancelled (Canceled).
func DeliverToSubscriber(ctx workflow.Context, in DeliverToSubscriberInput) (*DeliverToSubscriberResult, error) {
	d := &delivery{in: in, state: State{DeliveryID: in.DeliveryID, Status: models.DeliveryPending}}
	if err := d.setup(ctx); err != nil {
		return nil, err
	}
	return d.run(ctx)
}

// delivery is the state of DeliverToSubscriber.
type delivery struct {
	in          DeliverToSubscriberInput
	state       State
	cancel      workflow.ReceiveChannel
	redeliver   workflow.ReceiveChannel
	cancelled   *CancelSignal // the first one received
	redelivered bool          // a redelivery was asked for and is not made yet
}

func (d *delivery) setup(ctx workflow.Context) error {
	d.cancel = workflow.GetSignalChannelWithOptions(ctx, SignalCancel, workflow.SignalChannelOptions{
		Description: `Stop this delivery. Argument: {"reason": "…", "by": "…"}, both optional.`,
	})
	d.redeliver = workflow.GetSignalChannelWithOptions(ctx, SignalRedeliver, workflow.SignalChannelOptions{
		Description: `Make the next attempt now instead of waiting for its time. Argument: {"by": "…"}, optional.`,
	})
	return workflow.SetQueryHandlerWithOptions(ctx, QueryState, func() (State, error) { return d.state, nil },
		workflow.QueryHandlerOptions{Description: "How the delivery stands."})
}

// run attempts until the delivery closes. A signal interrupts the wait between attempts, never an attempt.
func (d *delivery) run(ctx workflow.Context) (*DeliverToSubscriberResult, error) {
	if d.in.Local {
		if result, err, closed := d.settle(d.attemptLocally(ctx)); closed {
			return result, err
		}
	}
	for {
		result, err, closed := d.settle(d.attempt(ctx))
		switch {
		case closed:
			return result, err
		case d.cancelled != nil || ctx.Err() != nil:
			return d.stop(ctx)
		case !d.redelivered:
			return nil, err // no signal, no answer of ours: shown as it is, and revived by the dispatcher's sweep
		}
		if err := d.bringForward(ctx); err != nil && ctx.Err() == nil {
			return nil, err
		}
	}
}

// attemptLocally makes one attempt within the workflow task. It is cut loose from cancellation, which would break it off
// half way.
func (d *delivery) attemptLocally(ctx workflow.Context) (result activities.AttemptDeliveryResult, err error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	in := activities.AttemptDeliveryInput{DeliveryID: d.in.DeliveryID, Wait: true}
	err = workflow.ExecuteLocalActivity(forLocalAttempt(ctx), a.AttemptDelivery, in).Get(ctx, &result)
	return result, err
}

// attempt runs AttemptDelivery with all its retries until it ends, or a signal ends it.
func (d *delivery) attempt(ctx workflow.Context) (result activities.AttemptDeliveryResult, err error) {
	attempting, interrupt := workflow.WithCancel(forAttempt(ctx, cmp.Or(d.in.Host, d.in.SubscriptionID)))
	in := activities.AttemptDeliveryInput{DeliveryID: d.in.DeliveryID, Wait: d.in.Local}
	future := workflow.ExecuteActivity(attempting, a.AttemptDelivery, in)
	wait := workflow.NewSelector(ctx)
	wait.AddFuture(future, func(workflow.Future) {})
	wait.AddReceive(d.cancel, func(workflow.ReceiveChannel, bool) { d.readSignals() })
	wait.AddReceive(d.redeliver, func(workflow.ReceiveChannel, bool) { d.readSignals() })
	for !future.IsReady() && !d.interrupted() {
		wait.Select(ctx)
	}
	if d.interrupted() {
		interrupt()
	}
	err = future.Get(ctx, &result)
	d.readSignals() // what came while the interrupted attempt was still running
	return result, err
}

// readSignals takes what is waiting. Several signals of a kind count as one.
func (d *delivery) readSignals() {
	for raw := (converter.RawValue{}); d.cancel.ReceiveAsync(&raw); raw = (converter.RawValue{}) {
		d.cancelled = cmp.Or(d.cancelled, readCancel(raw))
	}
	for d.redeliver.ReceiveAsync(nil) {
		d.redelivered = true
	}
}

func (d *delivery) interrupted() bool { return d.cancelled != nil || d.redelivered }

// readCancel reads the argument of a cancel signal. People send signals by hand: whatever they wrote, they want it
// cancelled.
func readCancel(raw converter.RawValue) *CancelSignal {
	signal := &CancelSignal{}
	if raw.Payload() == nil || converter.GetDefaultDataConverter().FromPayload(raw.Payload(), signal) != nil {
		return &CancelSignal{}
	}
	return signal
}

// settle reads the outcome of attempting. The delivery is not closed when a signal interrupted it, or when a local
// attempt failed.
func (d *delivery) settle(result activities.AttemptDeliveryResult, err error) (*DeliverToSubscriberResult, error, bool) {
	if err == nil {
		return d.delivered(result.Attempt), nil, true
	}
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || !app.NonRetryable() {
		return nil, err, false
	}
	if app.Type() == activities.Cancelled {
		return nil, d.canceled(app.Message()), true
	}
	return nil, d.exhausted(err), true
}

func (d *delivery) delivered(attempt int) *DeliverToSubscriberResult {
	d.state.Status, d.state.Attempt = models.DeliveryDelivered, attempt
	return &DeliverToSubscriberResult{Attempt: attempt}
}

// exhausted makes the workflow close as Failed.
func (d *delivery) exhausted(err error) error {
	d.state.Status, d.state.Reason = models.DeliveryExhausted, err.Error()
	return err
}

// canceled makes the workflow close as Canceled.
func (d *delivery) canceled(reason string) error {
	d.state.Status, d.state.Reason = models.DeliveryCancelled, reason
	return temporal.NewCanceledError(reason)
}

// stop cancels the delivery in the store. The store has the last word: what it says was delivered stays delivered.
func (d *delivery) stop(ctx workflow.Context) (*DeliverToSubscriberResult, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	reason := d.reason()
	var closed activities.CancelDeliveryResult
	in := activities.CancelDeliveryInput{DeliveryID: d.in.DeliveryID, Reason: reason}
	if err := bookkeep(forBookkeeping(ctx), a.CancelDelivery, in, &closed); err != nil {
		return nil, err
	}
	switch closed.Status {
	case models.DeliveryDelivered:
		return d.delivered(closed.Attempts), nil
	case models.DeliveryExhausted:
		return nil, d.exhausted(temporal.NewNonRetryableApplicationError("the schedule was used up", activities.Exhausted, nil))
	default:
		return nil, d.canceled(reason)
	}
}

func (d *delivery) reason() string {
	if d.cancelled == nil {
		return "the workflow was cancelled in Temporal"
	}
	reason := clip(cmp.Or(d.cancelled.Reason, "cancelled by hand"), maxReason)
	if d.cancelled.By != "" {
		reason += " (by " + clip(d.cancelled.By, maxReason) + ")"
	}
	return reason
}

// bringForward replaces the wait for the next attempt: the series goes on with an attempt now.
func (d *delivery) bringForward(ctx workflow.Context) error {
	d.redelivered = false
	d.state.Redeliveries++
	in := activities.BringForwardInput{DeliveryID: d.in.DeliveryID}
	return bookkeep(forBookkeeping(ctx), a.BringForward, in, nil)
}
