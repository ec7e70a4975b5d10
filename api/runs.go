package api

import (
	"fmt"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

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
	ctx, cancel := steering(c)
	defer cancel()
	runs, err := s.Steering.Runs(ctx, delivery.ID)
	if err != nil {
		return fmt.Errorf("list runs of %s: %w", delivery.ID, err)
	}
	views := make([]runView, len(runs))
	for i, run := range runs {
		views[i] = s.runView(delivery.ID, run)
	}
	return reply(c, http.StatusOK, page[runView]{Data: views})
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
	ctx, cancel := steering(c)
	defer cancel()
	history, err := s.Steering.History(ctx, delivery.ID, runID)
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

// runView is one run of a delivery's workflow. Status is Temporal's word.
type runView struct {
	RunID     string    `json:"run_id"`
	Status    string    `json:"status"`
	StartedAt timestamp `json:"started_at"`
	ClosedAt  timestamp `json:"closed_at,omitzero"`
	Links     runLinks  `json:"links"`
}

type runLinks struct {
	History  string `json:"history"`
	Workflow string `json:"workflow,omitempty"`
}

func (s *server) runView(deliveryID string, run models.Run) runView {
	view := runView{
		RunID: run.ID, Status: run.Status, StartedAt: timestamp(run.StartedAt), ClosedAt: timestamp(run.ClosedAt),
		Links: runLinks{History: deliveryPath(deliveryID) + "/history?run_id=" + run.ID},
	}
	if workflow := s.workflowURL("delivery/" + deliveryID); workflow != "" {
		view.Links.Workflow = workflow + "/" + run.ID
	}
	return view
}
