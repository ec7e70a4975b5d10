package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/activities"
)

// a stands for the registered activities; only its method values are used, never a field.
var a *activities.Activities

// Register registers all workflows, under their names, with a worker or a replayer.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(DeliverEvent, workflow.RegisterOptions{Name: DeliverEventName})
	r.RegisterWorkflowWithOptions(DeliverEvents, workflow.RegisterOptions{Name: DeliverEventsName})
	r.RegisterWorkflowWithOptions(DeliverBatch, workflow.RegisterOptions{Name: DeliverBatchName})
	r.RegisterWorkflowWithOptions(DeliverToSubscriber, workflow.RegisterOptions{Name: DeliverToSubscriberName})
	r.RegisterWorkflowWithOptions(SteerDeliveries, workflow.RegisterOptions{Name: SteerDeliveriesName})
}
