package engine

import (
	"context"
	"errors"
	"os"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// greet is the smallest workflow.
func greet(_ workflow.Context, name string) (string, error) {
	return "hello, " + name, nil
}

// waitAndRetry has a timer and a failing activity in flight at the same time, and
// ends when both have come to their end.
func waitAndRetry(ctx workflow.Context, permission string) error {
	timer := workflow.NewTimer(ctx, 3*time.Second)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 1},
	})
	if err := workflow.ExecuteActivity(ctx, failUntilAllowed, permission).Get(ctx, nil); err != nil {
		return err
	}
	return timer.Get(ctx, nil)
}

// failUntilAllowed fails until a file exists.
func failUntilAllowed(_ context.Context, permission string) error {
	if _, err := os.Stat(permission); err != nil {
		return errors.New("not yet")
	}
	return nil
}
