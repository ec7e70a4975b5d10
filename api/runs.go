package api

import (
	"fmt"
	"net/http"
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

// showRun is one run of a delivery's workflow.
func (s *server) showRun(deliveryID string, run models.Run) client.Run {
	history := deliveryPath(deliveryID) + "/history?run_id=" + run.ID
	return s.runOf(models.DeliveryWorkflowID(deliveryID), run, history)
}

// runOf is one run of the workflow, with the path of its history.
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
