package worker

import (
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// StopTimeout is how long stopping waits for attempts that are being made: as long as sending and recording one may take.
const StopTimeout = models.AttemptTime

// New builds a worker of the task queue. Start and Stop are the caller's. onFatal is told, once, when the worker can no
// longer work, such as after its namespace was deleted.
func New(c client.Client, taskQueue string, acts *activities.Activities, onFatal func(error)) worker.Worker {
	w := worker.New(c, taskQueue, Options(onFatal))
	workflows.Register(w)
	w.RegisterActivity(acts)
	return w
}

// Options are the options of our workers.
func Options(onFatal func(error)) worker.Options {
	return worker.Options{
		WorkerStopTimeout:           StopTimeout,
		DisableRegistrationAliasing: true,
		OnFatalError:                onFatal,
		// The default of two fixed pollers makes the server spool tasks to its database under load.
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
	}
}
