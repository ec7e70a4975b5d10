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
	j := &job{in: in}
	if err := j.setup(ctx); err != nil {
		return nil, err
	}
	return j.run(ctx)
}

// job is the state of SteerDeliveries.
type job struct{ in SteerDeliveriesInput }

func (j *job) setup(ctx workflow.Context) error {
	j.showDetails(ctx)
	return workflow.SetQueryHandlerWithOptions(ctx, QueryState,
		func() (SteerDeliveriesResult, error) { return SteerDeliveriesResult{Progress: j.in.Progress}, nil },
		workflow.QueryHandlerOptions{Description: "How far the job has come."})
}

func (j *job) run(ctx workflow.Context) (*SteerDeliveriesResult, error) {
	for range roundsPerRun {
		var round activities.SteerResult
		in := activities.SteerInput{Job: j.in.Job, Progress: j.in.Progress}
		if err := workflow.ExecuteActivity(forRound(ctx), a.Steer, in).Get(ctx, &round); err != nil {
			return nil, j.stopped(ctx, err)
		}
		j.in.Progress = round.Progress
		j.showDetails(ctx)
		if round.Done {
			return &SteerDeliveriesResult{Progress: j.in.Progress}, nil
		}
		if err := pause(ctx, round.Wait); err != nil {
			return nil, j.stopped(ctx, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, j.stopped(ctx, err)
	}
	return nil, workflow.NewContinueAsNewError(ctx, SteerDeliveriesName, j.in)
}

func pause(ctx workflow.Context, length time.Duration) error {
	if length == 0 {
		return nil
	}
	return workflow.Sleep(ctx, length)
}

// stopped records that a recovery was cancelled in Temporal, and returns err.
func (j *job) stopped(ctx workflow.Context, err error) error {
	if ctx.Err() == nil || j.in.RecoveryID == "" {
		return err
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	in := activities.CancelRecoveryInput{RecoveryID: j.in.RecoveryID}
	if failed := bookkeep(forBookkeeping(ctx), a.CancelRecovery, in, nil); failed != nil {
		return failed
	}
	return err
}

// showDetails sets the current details of the workflow in the Web UI.
func (j *job) showDetails(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%d** deliveries told to %s so far, %d passed over, at most %d a second.",
		j.in.Progress.Done, j.in.Action, j.in.Progress.Skipped, j.in.Rate))
}
