package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// listWorkflows handles GET /v1/workflows: the runs of all workflows of ours since a time, for a replay before an upgrade.
func (s *server) listWorkflows(c *gin.Context) error {
	q := readQuery(c)
	filter := models.WorkflowFilter{Since: q.time("since"), After: q.token(), Limit: q.limit()}
	if q.err != nil {
		return q.err
	}
	ctx, cancel := temporal(c)
	defer cancel()
	runs, next, err := s.Control.Workflows(ctx, filter)
	if err != nil {
		return fmt.Errorf("list workflows: %w", err)
	}
	answer := client.Page[client.WorkflowRun]{
		Data: make([]client.WorkflowRun, len(runs)), NextCursor: base64.RawURLEncoding.EncodeToString(next),
	}
	for i, run := range runs {
		answer.Data[i] = s.showWorkflow(run)
	}
	return reply(c, http.StatusOK, answer)
}

// token reads the cursor of a list that Temporal pages.
func (q *query) token() (token []byte) {
	q.get("cursor", func(value string) (err error) {
		if token, err = base64.RawURLEncoding.Strict().DecodeString(value); err != nil {
			return models.Invalid("cursor", "is not a next_cursor of this list")
		}
		return nil
	})
	return token
}

// getWorkflowHistory handles GET /v1/workflows/history. The bytes are passed on as they are: a replay reads them.
func (s *server) getWorkflowHistory(c *gin.Context) error {
	q := readQuery(c)
	workflowID, runID := q.workflowID(), q.runID()
	if workflowID == "" || runID == "" {
		q.refuse(models.Invalid("workflow_id", "and run_id are required"))
	}
	if q.err != nil {
		return q.err
	}
	ctx, cancel := temporal(c)
	defer cancel()
	history, err := s.Control.WorkflowHistory(ctx, workflowID, runID)
	if err != nil {
		return fmt.Errorf("history of %s: %w", workflowID, err)
	}
	c.Data(http.StatusOK, "application/json", history)
	return nil
}

func (q *query) workflowID() string {
	return q.get("workflow_id", func(value string) error {
		const longest = 255
		if len(value) > longest {
			return models.Invalid("workflow_id", "is not the id of a workflow")
		}
		return nil
	})
}

// showWorkflow is one run of a workflow of ours.
func (s *server) showWorkflow(run models.WorkflowRun) client.WorkflowRun {
	query := url.Values{"workflow_id": {run.WorkflowID}, "run_id": {run.ID}}
	return client.WorkflowRun{
		WorkflowID: run.WorkflowID, Type: run.Type,
		Run: s.runOf(run.WorkflowID, run.Run, "/v1/workflows/history?"+query.Encode()),
	}
}
