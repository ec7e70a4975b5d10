package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// maxRuns bounds the list of a delivery's runs. Temporal forgets them after the retention anyway.
const maxRuns = 100

// Runs lists the runs of a delivery's workflow that Temporal still has, newest first, the newest hundred of them. A run
// that has just started may be missing from the list for a moment.
func (c *Control) Runs(ctx context.Context, deliveryID string) ([]models.Run, error) {
	list, err := c.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: maxRuns, Query: fmt.Sprintf("WorkflowId = '%s'", workflows.DeliveryWorkflowID(deliveryID)),
	})
	if err != nil {
		return nil, translate("list runs", err)
	}
	runs := make([]models.Run, len(list.GetExecutions()))
	for i, info := range list.GetExecutions() {
		runs[i] = run(info)
	}
	slices.SortFunc(runs, func(a, b models.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	return runs, nil
}

func run(info *workflowpb.WorkflowExecutionInfo) models.Run {
	r := models.Run{
		ID: info.GetExecution().GetRunId(), Status: info.GetStatus().String(), StartedAt: info.GetStartTime().AsTime(),
	}
	if info.GetCloseTime() != nil {
		r.ClosedAt = info.GetCloseTime().AsTime()
	}
	return r
}

// History returns what one run of a delivery's workflow did, as the JSON that Temporal's own tools write; of the newest
// run when runID is empty. CodeNotFound: Temporal has no such run, or no longer.
func (c *Control) History(ctx context.Context, deliveryID, runID string) ([]byte, error) {
	var all historypb.History
	events := c.client.GetWorkflowHistory(ctx, workflows.DeliveryWorkflowID(deliveryID), runID, false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, noHistory(deliveryID, err)
		}
		all.Events = append(all.Events, event)
	}
	return protojson.Marshal(&all)
}

func noHistory(deliveryID string, err error) error {
	_, missing := errors.AsType[*serviceerror.NotFound](err)
	_, malformed := errors.AsType[*serviceerror.InvalidArgument](err) // a run id that is none
	if missing || malformed {
		return models.Errorf(models.CodeNotFound, "Temporal has no such run of delivery %s, or no longer", deliveryID)
	}
	return translate("read history", err)
}
