package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// signals holds the signals that a delivery has received and not acted on yet. Several of a kind count as one: the first
// cancel, and the redeliver that was requested last. A cancel discards the redelivers that came before it, or with it.
type signals struct {
	cancel    *CancelSignal
	redeliver *RedeliverSignal
	resume    bool

	cancels, redelivers, resumes workflow.ReceiveChannel
}

func (s *signals) setup(ctx workflow.Context) {
	channel := func(name, description string) workflow.ReceiveChannel {
		return workflow.GetSignalChannelWithOptions(ctx, name, workflow.SignalChannelOptions{Description: description})
	}
	s.cancels = channel(SignalCancel,
		`Stop this delivery. Argument: {"reason": "…", "by": "…"}, both optional.`)
	s.redelivers = channel(SignalRedeliver,
		`Make the next attempt now instead of waiting for its time. Argument: {"by": "…", "reason": "…"}, optional.`)
	s.resumes = channel(SignalResume,
		"Let this delivery go if it is held and its subscription is no longer paused. No argument.")
}

// await returns when the future is ready or a wanted signal has come. It reports whether such a signal has come.
func (s *signals) await(ctx workflow.Context, future workflow.Future, wanted func() bool) bool {
	wait := workflow.NewSelector(ctx)
	wait.AddFuture(future, func(workflow.Future) {})
	for _, channel := range []workflow.ReceiveChannel{s.cancels, s.redelivers, s.resumes} {
		wait.AddReceive(channel, func(workflow.ReceiveChannel, bool) { s.read() })
	}
	for !future.IsReady() && !wanted() {
		wait.Select(ctx)
	}
	s.read() // a signal may have come with the future
	return wanted()
}

// any reports whether there is a signal.
func (s *signals) any() bool { return s.acts() || s.resume }

// acts reports whether somebody wants the delivery cancelled or redelivered.
func (s *signals) acts() bool { return s.cancel != nil || s.redeliver != nil }

// read receives the waiting signals. People send signals by hand, so a signal counts whatever its argument is.
func (s *signals) read() {
	cancelled := false
	for cancel, ok := receive[CancelSignal](s.cancels); ok; cancel, ok = receive[CancelSignal](s.cancels) {
		if s.cancel == nil || s.cancel.Before > 0 && cancel.Before == 0 {
			s.cancel = cancel
		}
		cancelled = true
	}
	for redeliver, ok := receive[RedeliverSignal](s.redelivers); ok; redeliver, ok = receive[RedeliverSignal](s.redelivers) {
		if s.redeliver == nil || redeliver.After > s.redeliver.After {
			s.redeliver = redeliver
		}
	}
	if cancelled && !s.outlived() {
		s.redeliver = nil
	}
	for s.resumes.ReceiveAsync(nil) {
		s.resume = true
	}
}

// outlived reports whether the redelivery was requested after the stop that the cancel belongs to.
func (s *signals) outlived() bool {
	return s.redeliver != nil && s.cancel.Before > 0 && s.redeliver.Epoch >= s.cancel.Before
}

// receive takes the next argument from the channel; an argument that cannot be read counts as an empty one.
func receive[T any](channel workflow.ReceiveChannel) (*T, bool) {
	var raw converter.RawValue
	if !channel.ReceiveAsync(&raw) {
		return nil, false
	}
	argument := new(T)
	if raw.Payload() == nil || converter.GetDefaultDataConverter().FromPayload(raw.Payload(), argument) != nil {
		argument = new(T)
	}
	return argument, true
}
