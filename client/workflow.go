package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// WorkflowRun is a run of one of the server's workflows: for an event, a part
// of a wide event, a delivery, or a job such as a recovery.
type WorkflowRun struct {
	WorkflowID string `json:"workflow_id"` // such as event/evt_…
	Type       string `json:"type"`        // such as DeliverEvent
	Run
}

// WorkflowFilter selects runs for a list. The zero value selects all.
type WorkflowFilter struct {
	Since    time.Time // started at or after
	PageSize int       // how many are fetched at a time, up to 200; 0: the server's default
}

// Workflows lists the runs that Temporal still has, running ones first. It
// fetches one page after the other while the caller walks through the list.
func (c *Client) Workflows(ctx context.Context, f WorkflowFilter) iter.Seq2[WorkflowRun, error] {
	return list[WorkflowRun](ctx, c, "v1/workflows", queryOf("since", moment(f.Since), "limit", number(f.PageSize)))
}

// WorkflowHistory returns the history of one run in Temporal's JSON. The error
// is [ErrNotFound] when Temporal no longer has it.
func (c *Client) WorkflowHistory(ctx context.Context, workflowID, runID string) (json.RawMessage, error) {
	var history json.RawMessage
	err := c.get(ctx, "v1/workflows/history", queryOf("workflow_id", workflowID, "run_id", runID), &history)
	return history, err
}
