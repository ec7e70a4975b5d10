package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// runForm is how Temporal names runs: it would refuse anything else with words of its own.
var runForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// listRuns handles GET /v1/deliveries/{id}/runs: every time that a workflow carried the delivery, newest first.
func (s *server) listRuns(c *gin.Context) error {
	delivery, err := s.delivery(c)
	if err != nil {
		return err
	}
	ctx, cancel := temporal(c)
	defer cancel()
	runs, err := s.Control.Runs(ctx, delivery.ID)
	if err != nil {
		return fmt.Errorf("list runs of %s: %w", delivery.ID, err)
	}
	shown := make([]client.Run, len(runs))
	for i, run := range runs {
		shown[i] = s.showRun(delivery.ID, run)
	}
	return reply(c, http.StatusOK, client.Page[client.Run]{Data: shown})
}

// getHistory handles GET /v1/deliveries/{id}/history. The bytes are passed on as they are: a replay reads them.
func (s *server) getHistory(c *gin.Context) error {
	q := readQuery(c)
	runID := q.runID()
	if q.err != nil {
		return q.err
	}
	delivery, err := s.delivery(c)
	if err != nil {
		return err
	}
	ctx, cancel := temporal(c)
	defer cancel()
	history, err := s.Control.History(ctx, delivery.ID, runID)
	if err != nil {
		return fmt.Errorf("history of %s: %w", delivery.ID, err)
	}
	c.Data(http.StatusOK, "application/json", history)
	return nil
}

func (q *query) runID() string {
	return q.get("run_id", func(value string) error {
		if runForm.MatchString(value) {
			return nil
		}
		return models.Invalid("run_id", "is not the id of a run")
	})
}

// showRun shows one run of a delivery's workflow.
func (s *server) showRun(deliveryID string, run models.Run) client.Run {
	history := deliveryPath(deliveryID) + "/history?run_id=" + run.ID
	return s.runOf(models.DeliveryWorkflowID(deliveryID), run, history)
}

// runOf shows one run of the workflow, with the path of its history.
func (s *server) runOf(workflowID string, run models.Run, history string) client.Run {
	shown := client.Run{
		ID: run.ID, Status: run.Status, StartedAt: stamp(run.StartedAt), ClosedAt: stamp(run.ClosedAt),
		Links: client.Links{History: history},
	}
	if workflow := s.workflowURL(workflowID); workflow != "" {
		shown.Links.Workflow = workflow + "/" + run.ID
	}
	return shown
}

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
		Data: make([]client.WorkflowRun, len(runs)), NextCursor: newToken(next),
	}
	for i, run := range runs {
		answer.Data[i] = s.showWorkflow(run)
	}
	return reply(c, http.StatusOK, answer)
}

// newToken makes the cursor that token reads.
func newToken(place []byte) string { return base64.RawURLEncoding.EncodeToString(place) }

// token reads the cursor of a list that is not paged by our ids.
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

// showWorkflow shows one run of any of our workflows.
func (s *server) showWorkflow(run models.WorkflowRun) client.WorkflowRun {
	query := url.Values{"workflow_id": {run.WorkflowID}, "run_id": {run.ID}}
	return client.WorkflowRun{
		WorkflowID: run.WorkflowID, Type: run.Type,
		Run: s.runOf(run.WorkflowID, run.Run, "/v1/workflows/history?"+query.Encode()),
	}
}
