package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/time/rate"

	"github.com/posthaste/posthaste/models"
)

const (
	erasurePage = 100
	// eraseRate is how many workflow executions a second are deleted: Temporal's own work for each goes on afterwards.
	eraseRate = 200
	// eraseSettle is how long Temporal may take until its list shows a workflow that began, or no longer a deleted one.
	eraseSettle = 5 * time.Second
	// eraseLooks is how often in a row nothing must be found until nothing is left.
	eraseLooks = 2
)

// erase carries out the erasures that are under way, one after the other. Each step may be repeated, by another process too: so
// an erasure that is interrupted goes on at the next call.
func (d *Dispatcher) erase(ctx context.Context) {
	open, err := d.Store.OpenErasures(ctx, "", erasurePage)
	if err != nil {
		return // the sweep reports it
	}
	for _, e := range open {
		if err := d.eraseOne(ctx, e); err != nil && ctx.Err() == nil {
			d.Logger.LogAttrs(ctx, slog.LevelWarn, "erasure.interrupted", slog.String("erasure_id", e.ID), slog.Any("error", err),
				slog.String("hint", "it goes on in a moment"))
		}
	}
}

// eraseOne erases rows before workflows: nobody starts a workflow for rows that are gone.
func (d *Dispatcher) eraseOne(ctx context.Context, e *models.Erasure) error {
	if err := d.eraseRows(ctx, e.ID); err != nil {
		return err
	}
	deleted, err := d.eraseWorkflows(ctx, e)
	if err != nil {
		return err
	}
	if err := d.eraseRows(ctx, e.ID); err != nil { // that were being written when it began
		return err
	}
	if err := d.Store.FinishErasure(ctx, e.ID, deleted); err != nil {
		return err
	}
	d.Logger.LogAttrs(ctx, slog.LevelInfo, "erasure.finished", slog.String("erasure_id", e.ID), slog.Int("workflows", deleted))
	return nil
}

// eraseRows rests for as long as a batch takes, so that removing leaves the database free for others.
func (d *Dispatcher) eraseRows(ctx context.Context, id string) error {
	for {
		began := time.Now()
		over, err := d.Store.EraseSome(ctx, id)
		if err != nil || over {
			return err
		}
		sleep(ctx, time.Since(began))
	}
}

// eraseWorkflows deletes the workflow executions of what was erased, until Temporal lists none of them, and counts them.
func (d *Dispatcher) eraseWorkflows(ctx context.Context, e *models.Erasure) (deleted int, err error) {
	query := fmt.Sprintf("Tenant = '%s'", e.Tenant) // a tenant's name has no quote
	if e.EventID != "" {
		query = fmt.Sprintf("EventID = '%s'", e.EventID)
	}
	limiter := rate.NewLimiter(eraseRate, eraseRate)
	for empty := 0; empty < eraseLooks; {
		found, err := d.erasedWorkflows(ctx, query, e)
		if err != nil {
			return deleted, err
		}
		for _, execution := range found {
			if err := limiter.Wait(ctx); err != nil {
				return deleted, err
			}
			gone, err := d.deleteWorkflow(ctx, execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId())
			if err != nil {
				return deleted, err
			}
			deleted += gone
		}
		if empty++; len(found) > 0 {
			empty = 0
		}
		sleep(ctx, eraseSettle)
		if err := ctx.Err(); err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// deleteWorkflow terminates the execution if it runs, and deletes it with its history. It returns 0 if there is none.
func (d *Dispatcher) deleteWorkflow(ctx context.Context, id, runID string) (int, error) {
	_, err := d.Client.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: d.Namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: runID},
	})
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return 0, nil
	}
	return 1, translate("delete workflow", err)
}

// erasedWorkflows lists workflows whose event or delivery is not stored any more, and others that began before the erasure.
func (d *Dispatcher) erasedWorkflows(ctx context.Context, query string, e *models.Erasure) (found []*workflowpb.WorkflowExecutionInfo, err error) {
	for token := []byte(nil); ; {
		page, err := d.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			PageSize: erasurePage, NextPageToken: token, Query: query,
		})
		if err != nil {
			return nil, translate("list workflows", err)
		}
		some, err := d.erasedOf(ctx, page.GetExecutions(), e)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		if token = page.GetNextPageToken(); len(token) == 0 {
			return found, nil
		}
	}
}

func (d *Dispatcher) erasedOf(
	ctx context.Context, page []*workflowpb.WorkflowExecutionInfo, e *models.Erasure,
) (found []*workflowpb.WorkflowExecutionInfo, err error) {
	var events, deliveries []string
	for _, info := range page {
		switch event, delivery := subjectOf(info); {
		case event != "":
			events = append(events, event)
		case delivery != "":
			deliveries = append(deliveries, delivery)
		}
	}
	erased, err := d.Store.Erased(ctx, events, deliveries)
	if err != nil {
		return nil, err
	}
	for _, info := range page {
		event, delivery := subjectOf(info)
		if erased[event+delivery] || event+delivery == "" && info.GetStartTime().AsTime().Before(e.CreatedAt) {
			found = append(found, info)
		}
	}
	return found, nil
}

// subjectOf returns the id of the event or of the delivery that the workflow is for; of a group or a job, neither.
func subjectOf(info *workflowpb.WorkflowExecutionInfo) (event, delivery string) {
	id := info.GetExecution().GetWorkflowId()
	if delivery, ok := models.DeliveryOfWorkflow(id); ok {
		return "", delivery
	}
	parts := strings.Split(id, "/") // the workflow of a part of an event has the event's id and a range
	if len(parts) > 1 && models.EventWorkflowID(parts[1]) == parts[0]+"/"+parts[1] {
		return parts[1], ""
	}
	return "", ""
}
