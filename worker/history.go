package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
		PageSize: maxRuns, Query: fmt.Sprintf("WorkflowId = '%s'", models.DeliveryWorkflowID(deliveryID)),
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

// Workflows lists the runs of our workflows that Temporal still has and that began at or after the given time, a page at a
// time, and returns the place where the next page begins; nil after the last. A run that has just started may be missing
// for a moment.
func (c *Control) Workflows(ctx context.Context, f models.WorkflowFilter) ([]models.WorkflowRun, []byte, error) {
	query := fmt.Sprintf("WorkflowType IN ('%s')", strings.Join(workflows.Types(), "', '"))
	if !f.Since.IsZero() {
		query += fmt.Sprintf(" AND StartTime >= '%s'", f.Since.UTC().Format(time.RFC3339Nano))
	}
	list, err := c.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: int32(min(f.Limit, models.MaxPageLimit)), NextPageToken: f.After, Query: query, //nolint:gosec // is small
	})
	if err != nil {
		return nil, nil, translate("list workflows", err)
	}
	runs := make([]models.WorkflowRun, len(list.GetExecutions()))
	for i, info := range list.GetExecutions() {
		runs[i] = models.WorkflowRun{
			WorkflowID: info.GetExecution().GetWorkflowId(), Type: info.GetType().GetName(), Run: run(info),
		}
	}
	return runs, list.GetNextPageToken(), nil
}

// History returns what one run of a delivery's workflow did, as the JSON that Temporal's own tools write; of the newest
// run when runID is empty. CodeNotFound: Temporal has no such run, or no longer.
func (c *Control) History(ctx context.Context, deliveryID, runID string) ([]byte, error) {
	return c.WorkflowHistory(ctx, models.DeliveryWorkflowID(deliveryID), runID)
}

// WorkflowHistory is History for any workflow of ours, by its id. Others may share the namespace: they are CodeNotFound.
func (c *Control) WorkflowHistory(ctx context.Context, workflowID, runID string) ([]byte, error) {
	var all historypb.History
	events := c.client.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, noHistory(workflowID, err)
		}
		all.Events = append(all.Events, event)
	}
	if !isOurs(&all) {
		return nil, errNoRun(workflowID)
	}
	return protojson.Marshal(&all)
}

func isOurs(history *historypb.History) bool {
	events := history.GetEvents()
	return len(events) > 0 &&
		slices.Contains(workflows.Types(), events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName())
}

func errNoRun(workflowID string) error {
	return models.Errorf(models.CodeNotFound, "Temporal has no such run of %s, or no longer", workflowID)
}

func noHistory(workflowID string, err error) error {
	_, missing := errors.AsType[*serviceerror.NotFound](err)
	_, malformed := errors.AsType[*serviceerror.InvalidArgument](err) // a run id that is none
	if missing || malformed {
		return errNoRun(workflowID)
	}
	return translate("read history", err)
}
