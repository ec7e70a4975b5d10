package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/time/rate"

	"github.com/posthaste/posthaste/models"
)

// RoundLength is the time for which one round of a job works before it reports.
const RoundLength = 30 * time.Second

const (
	jobPage = 100
	// settleTime is the time in which resumed deliveries have to leave the status held, before the ones that are still held
	// are resumed again. A stop waits as long before it looks for further deliveries.
	settleTime = 5 * time.Second
	// saveEvery is the interval at which a round saves its progress and checks whether it should end. After a crash the
	// counts may lack the work since the last save; the work itself is not lost.
	saveEvery = time.Second
)

// SteerInput names the job and its progress.
type SteerInput struct {
	models.Job
	Progress models.Progress `json:"progress,omitzero"`
}

// SteerResult is the progress of the job. Done says that it is over; Wait is the time to wait before the next round, in
// nanoseconds.
type SteerResult struct {
	Progress models.Progress `json:"progress"`
	Done     bool            `json:"done,omitempty"`
	Wait     time.Duration   `json:"wait,omitempty"`
}

// Steer carries out a job for a while, oldest deliveries first, at the job's rate. Its heartbeats carry the progress:
// after a crash it continues with the delivery that it had reached, so that none is skipped.
func (a *Activities) Steer(ctx context.Context, in SteerInput) (*SteerResult, error) {
	r := &round{
		Activities: a, job: in.Job, progress: in.Progress, limiter: rate.NewLimiter(rate.Limit(in.Rate), 1),
		origin: cmp.Or(in.RecoveryID, activity.GetInfo(ctx).WorkflowExecution.RunID),
	}
	if err := r.catchUp(ctx); err != nil {
		return nil, err
	}
	return r.run(ctx)
}

// round is the state of Steer.
type round struct {
	*Activities
	job      models.Job
	progress models.Progress
	limiter  *rate.Limiter
	saved    time.Time // when the progress was last saved
	origin   string    // of the job: a delivery that was signalled before a crash may be signalled again
}

// catchUp starts at the progress of a round that was interrupted, by its heartbeats or by the recovery's row. The row
// decides: Temporal may remember more progress than a store that has been replaced by an older one.
func (r *round) catchUp(ctx context.Context) error {
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &r.progress); err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
	}
	if r.job.RecoveryID == "" {
		return nil
	}
	recovery, err := r.store.Recovery(ctx, r.job.RecoveryID)
	if err != nil {
		return ours("load recovery", err)
	}
	r.progress = recovery.Progress
	return nil
}

// item is one object of a job: a delivery, or an event that lacks one.
type item struct {
	id       string
	delivery *models.Delivery // nil: it has yet to be made
}

func (r *round) run(ctx context.Context) (*SteerResult, error) {
	for end := r.now().Add(RoundLength); r.now().Before(end); {
		page, err := r.page(ctx)
		if err != nil {
			return nil, ours("read what to "+string(r.job.Action), err)
		}
		if len(page) == 0 {
			return r.end(ctx)
		}
		if over, err := r.visit(ctx, page); over || err != nil {
			return &SteerResult{Progress: r.progress, Done: true}, err
		}
	}
	r.saved = time.Time{} // the progress is saved now, because the next round starts from it
	over, err := r.over(ctx)
	return &SteerResult{Progress: r.progress, Done: over}, err
}

func (r *round) page(ctx context.Context) ([]item, error) {
	selection := r.job.Selection
	if r.job.Action == models.JobDeliver {
		events, err := r.store.MissingEvents(ctx, selection.SubscriptionID, selection.Since, selection.Until, r.progress.After, jobPage)
		if models.ErrorCode(err) == models.CodeNotFound {
			return nil, nil // there is no subscriber any more
		}
		return itemsOf(events, func(e *models.Event) item { return item{id: e.ID} }), err
	}
	deliveries, err := r.store.SelectDeliveries(ctx, selection, r.progress.After, jobPage)
	return itemsOf(deliveries, func(d *models.Delivery) item { return item{id: d.ID, delivery: d} }), err
}

func itemsOf[T any](rows []T, convert func(T) item) []item {
	items := make([]item, len(rows))
	for i, row := range rows {
		items[i] = convert(row)
	}
	return items
}

// visit acts on a page, and reports whether the job is over.
func (r *round) visit(ctx context.Context, page []item) (bool, error) {
	for _, t := range page {
		if over, err := r.over(ctx); over || err != nil {
			return over, err
		}
		if err := r.limiter.Wait(ctx); err != nil {
			return false, err
		}
		switch err := r.act(ctx, t); models.ErrorCode(err) {
		case "":
			r.progress.Done++
		case models.CodeConflict, models.CodeNotFound:
			r.progress.Skipped++
		default:
			return false, fmt.Errorf("%s %s: %w", r.job.Action, t.id, err)
		}
		r.progress.After = t.id
		activity.RecordHeartbeat(ctx, r.progress)
	}
	return false, nil
}

func (r *round) act(ctx context.Context, t item) error {
	switch r.job.Action {
	case models.JobCancel:
		return r.cancel(ctx, t.delivery)
	case models.JobRedeliver:
		return r.control.Redeliver(ctx, t.delivery, r.job.Why, r.origin+"/"+t.id, r.job.Epoch)
	case models.JobResume, models.JobHold: // the delivery checks whether its subscription is paused, and holds itself if it is
		return r.control.Resume(ctx, t.delivery)
	case models.JobDeliver:
		delivery, err := r.store.AddDelivery(ctx, t.id, r.job.Selection.SubscriptionID, r.job.Epoch)
		if err != nil {
			return err
		}
		return r.control.Begin(ctx, delivery)
	}
	return final(Gone, fmt.Sprintf("this version does not know how to %q", r.job.Action))
}

// cancel signals the workflow first and then changes the store, so that no delivery of a stop counts as closed before its
// workflow was signalled. A delivery that is delivered meanwhile stays delivered.
func (r *round) cancel(ctx context.Context, delivery *models.Delivery) error {
	before := r.job.Selection.Before
	told := r.control.Cancel(ctx, delivery, r.job.Why, before)
	if refused := models.ErrorCode(told) == models.CodeConflict; before == 0 || told != nil && !refused {
		return told
	}
	_, err := r.store.ChangeDelivery(ctx, delivery.ID, models.Change{Act: models.ActCancel, Why: r.job.Why, Before: before})
	return err
}

// over reports whether somebody has ended the job, and saves its progress. It does both once in saveEvery only.
func (r *round) over(ctx context.Context) (bool, error) {
	if r.now().Sub(r.saved) < saveEvery {
		return false, nil
	}
	r.saved = r.now()
	switch {
	case r.job.RecoveryID != "":
		return r.recoveryOver(ctx)
	case r.job.Action == models.JobResume, r.job.Action == models.JobHold:
		return r.reversed(ctx)
	default:
		return false, nil
	}
}

// recoveryOver saves the progress of a recovery and reports whether it has ended. It also cancels a recovery whose
// subscription accepts no deliveries any more.
func (r *round) recoveryOver(ctx context.Context) (bool, error) {
	status, err := r.store.SaveProgress(ctx, r.job.RecoveryID, r.progress)
	if err != nil || status != models.RecoveryRunning {
		return true, ours("save progress", err)
	}
	stopped, err := r.stopped(ctx)
	if err != nil {
		return false, ours("look for a cancellation", err)
	}
	if stopped {
		return true, r.cancelRecovery(ctx, r.job.RecoveryID, models.Why{By: "posthaste", Reason: "what waits for the subscription was cancelled"})
	}
	sub, err := r.store.Subscription(ctx, r.job.Selection.SubscriptionID)
	if err != nil && models.ErrorCode(err) != models.CodeNotFound {
		return false, ours("load subscription", err)
	}
	if err == nil && sub.Status != models.SubscriptionDisabled {
		return false, nil
	}
	return true, r.cancelRecovery(ctx, r.job.RecoveryID, models.Why{By: "posthaste", Reason: "the subscription is disabled or gone"})
}

// stopped reports whether a stop has cancelled the job's deliveries since the job was requested.
func (r *round) stopped(ctx context.Context) (bool, error) {
	if r.job.Epoch == 0 {
		return false, nil
	}
	why, err := r.store.Stopped(ctx, r.job.Tenant, r.job.Epoch, r.job.Selection.SubscriptionID)
	return why != nil, err
}

// reversed reports whether the subscription was paused while it resumed, or resumed while it was being paused.
func (r *round) reversed(ctx context.Context) (bool, error) {
	sub, err := r.store.Subscription(ctx, r.job.Selection.SubscriptionID)
	if models.ErrorCode(err) == models.CodeNotFound {
		return false, nil // its held deliveries have to find that out
	}
	if err != nil {
		return false, ours("load subscription", err)
	}
	if sub.ResumeRate > 0 {
		r.limiter.SetLimit(rate.Limit(sub.ResumeRate))
	}
	paused := sub.Status == models.SubscriptionPaused
	return paused == (r.job.Action == models.JobResume), nil
}

// end finishes a round at the end of the list. Deliveries leave the status held by themselves: while there is one left,
// the job signals the held deliveries once more. Likewise a stop closes the deliveries that a plan under way has added.
func (r *round) end(ctx context.Context) (*SteerResult, error) {
	result := &SteerResult{Progress: r.progress, Done: true}
	var err error
	switch {
	case r.job.RecoveryID != "":
		err = r.finishRecovery(ctx)
	case r.job.Action == models.JobResume:
		result.Done, err = r.store.FinishResume(ctx, r.job.Selection.SubscriptionID)
	case r.job.Action == models.JobCancel && r.job.Selection.Before > 0:
		result.Done, err = r.store.FinishStop(ctx, r.job)
	}
	if !result.Done {
		result.Progress.After, result.Wait = "", settleTime
	}
	return result, ours("end the job", err)
}

func (r *round) finishRecovery(ctx context.Context) error {
	if _, err := r.store.SaveProgress(ctx, r.job.RecoveryID, r.progress); err != nil {
		return err
	}
	_, err := r.store.FinishRecovery(ctx, r.job.RecoveryID, models.RecoveryCompleted)
	return err
}

// CancelRecoveryInput names the recovery.
type CancelRecoveryInput struct {
	RecoveryID string `json:"recovery_id"`
}

// CancelRecovery records that a recovery was cancelled in Temporal.
func (a *Activities) CancelRecovery(ctx context.Context, in CancelRecoveryInput) error {
	return a.cancelRecovery(ctx, in.RecoveryID, models.Why{By: "temporal", Reason: "the workflow was cancelled in Temporal"})
}

func (a *Activities) cancelRecovery(ctx context.Context, id string, why models.Why) error {
	entry := models.AuditEntry{Action: models.AuditCancelRecovery, Why: why}
	_, err := a.store.FinishRecovery(ctx, id, models.RecoveryCancelled, entry)
	return ours("cancel recovery", err)
}
