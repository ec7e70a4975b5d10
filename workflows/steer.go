package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
)

// roundsPerRun bounds a run's history, which has some ten events for each round.
const roundsPerRun = 100

// SteerDeliveries carries out a job in rounds. Each round starts where the last one stopped.
func SteerDeliveries(ctx workflow.Context, in SteerDeliveriesInput) (*SteerDeliveriesResult, error) {
	s := &steering{in: in}
	if err := s.setup(ctx); err != nil {
		return nil, err
	}
	return s.run(ctx)
}

// steering is the state of SteerDeliveries.
type steering struct{ in SteerDeliveriesInput }

func (s *steering) setup(ctx workflow.Context) error {
	s.tell(ctx)
	return workflow.SetQueryHandlerWithOptions(ctx, QueryState,
		func() (SteerDeliveriesResult, error) { return SteerDeliveriesResult{Progress: s.in.Progress}, nil },
		workflow.QueryHandlerOptions{Description: "How far the job has come."})
}

func (s *steering) run(ctx workflow.Context) (*SteerDeliveriesResult, error) {
	for range roundsPerRun {
		var round activities.SteerResult
		in := activities.SteerInput{Job: s.in.Job, Progress: s.in.Progress}
		if err := workflow.ExecuteActivity(forSteering(ctx), a.Steer, in).Get(ctx, &round); err != nil {
			return nil, s.stopped(ctx, err)
		}
		s.in.Progress = round.Progress
		s.tell(ctx)
		if round.Done {
			return &SteerDeliveriesResult{Progress: s.in.Progress}, nil
		}
		if err := pause(ctx, round.Wait); err != nil {
			return nil, s.stopped(ctx, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, s.stopped(ctx, err)
	}
	return nil, workflow.NewContinueAsNewError(ctx, SteerDeliveriesName, s.in)
}

func pause(ctx workflow.Context, length time.Duration) error {
	if length == 0 {
		return nil
	}
	return workflow.Sleep(ctx, length)
}

// stopped records that a recovery was cancelled in Temporal, and returns err.
func (s *steering) stopped(ctx workflow.Context, err error) error {
	if ctx.Err() == nil || s.in.RecoveryID == "" {
		return err
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	in := activities.CancelRecoveryInput{RecoveryID: s.in.RecoveryID}
	if failed := bookkeep(forBookkeeping(ctx), a.CancelRecovery, in, nil); failed != nil {
		return failed
	}
	return err
}

// tell sets the current details of the workflow in the Web UI.
func (s *steering) tell(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%d** deliveries told to %s so far, %d passed over, at most %d a second.",
		s.in.Progress.Done, s.in.Action, s.in.Progress.Skipped, s.in.Rate))
}
