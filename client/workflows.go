package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// WorkflowRun is a run of any of the server's workflows: of an event, of a part
// of a wide event, of a delivery, or of a job such as a recovery.
type WorkflowRun struct {
	WorkflowID string `json:"workflow_id"` // such as event/evt_…
	Type       string `json:"type"`        // such as DeliverEvent
	Run
}

// WorkflowFilter selects runs for a list. The zero value selects all.
type WorkflowFilter struct {
	Since    time.Time // began at or after
	PageSize int       // how many are fetched at a time, up to 200; 0: the server's default
}

// Workflows lists the runs that Temporal still knows, page by page as it goes,
// those that are running first.
func (c *Client) Workflows(ctx context.Context, f WorkflowFilter) iter.Seq2[WorkflowRun, error] {
	return list[WorkflowRun](ctx, c, "v1/workflows", queryOf("since", moment(f.Since), "limit", number(f.PageSize)))
}

// WorkflowHistory is the history of one run in Temporal's JSON. It is
// [ErrNotFound] when Temporal no longer has it.
func (c *Client) WorkflowHistory(ctx context.Context, workflowID, runID string) (json.RawMessage, error) {
	var history json.RawMessage
	err := c.get(ctx, "v1/workflows/history", queryOf("workflow_id", workflowID, "run_id", runID), &history)
	return history, err
}
