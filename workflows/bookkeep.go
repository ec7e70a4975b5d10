package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
)

// bookkeep runs our own work within the workflow task, where it costs least. If that fails, it continues as a regular
// activity, which Temporal retries until it succeeds.
func bookkeep(ctx workflow.Context, activity, in, out any) error {
	err := workflow.ExecuteLocalActivity(ctx, activity, in).Get(ctx, out)
	if err == nil || activities.IsFinal(err) {
		return err
	}
	return workflow.ExecuteActivity(ctx, activity, in).Get(ctx, out)
}

// allStarted waits until each child has started. A child that was started by an earlier run of the same fan-out counts too.
func allStarted(ctx workflow.Context, children []workflow.ChildWorkflowFuture) error {
	for _, child := range children {
		err := child.GetChildWorkflowExecution().Get(ctx, nil)
		if _, before := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err); err != nil && !before {
			return err
		}
	}
	return nil
}
