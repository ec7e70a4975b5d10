package api_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/posthaste/posthaste/models"
)

// control remembers what it was asked for. With an err it does nothing else.
type control struct {
	mu      sync.Mutex
	asked   []string     // "cancel <delivery id> <by>: <reason>"
	holding []models.Job // those that follow a pause
	jobs    []models.Job // all others
	err     error
	runs    []models.Run
	next    []byte // of workflows
	history []byte
}

func (s *control) Cancel(ctx context.Context, delivery *models.Delivery, why models.Why, _ int64) error {
	return s.ask(ctx, "cancel "+delivery.ID+" "+why.By+": "+why.Reason)
}

func (s *control) Redeliver(ctx context.Context, delivery *models.Delivery, why models.Why, _ string, _ int64) error {
	return s.ask(ctx, "redeliver "+delivery.ID+" "+why.By+": "+why.Reason)
}

func (s *control) Start(ctx context.Context, job models.Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if job.Action == models.JobHold {
		s.holding = append(s.holding, job)
	} else {
		s.jobs = append(s.jobs, job)
	}
	return errors.Join(s.err, patient(ctx))
}

func (s *control) Runs(ctx context.Context, _ string) ([]models.Run, error) {
	return s.runs, errors.Join(s.err, patient(ctx))
}

func (s *control) History(ctx context.Context, deliveryID, runID string) ([]byte, error) {
	return s.history, s.ask(ctx, "history "+deliveryID+" "+runID)
}

func (s *control) Workflows(ctx context.Context, f models.WorkflowFilter) ([]models.WorkflowRun, []byte, error) {
	var runs []models.WorkflowRun
	for _, run := range s.runs {
		runs = append(runs, models.WorkflowRun{WorkflowID: "event/evt_1/0-200", Type: "DeliverBatch", Run: run})
	}
	asked := fmt.Sprintf("workflows %s %q %d", f.Since.Format(time.RFC3339), f.After, f.Limit)
	return runs, s.next, s.ask(ctx, asked)
}

func (s *control) WorkflowHistory(ctx context.Context, workflowID, runID string) ([]byte, error) {
	return s.history, s.ask(ctx, "history "+workflowID+" "+runID)
}

func (s *control) ask(ctx context.Context, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, what)
	return errors.Join(s.err, patient(ctx))
}

// patient is the error of a call that would wait for Temporal without end.
func patient(ctx context.Context) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("this could take for ever")
	}
	return nil
}
