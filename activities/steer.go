package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/time/rate"

	"github.com/posthaste/posthaste/models"
)

// RoundLength is how long one round of a job works before it reports.
const RoundLength = 30 * time.Second

const steerPage = 100

// SteerInput says what to do, and how far that has come.
type SteerInput struct {
	models.Job
	Progress models.Progress `json:"progress,omitzero"`
}

// SteerResult is how far the job has come. Done says that it is over.
type SteerResult struct {
	Progress models.Progress `json:"progress"`
	Done     bool            `json:"done,omitempty"`
}

// Steer carries out a job for a while, oldest deliveries first, at the job's rate. Its heartbeats carry the progress:
// after a crash it goes on with the delivery at which it had come, so that none is passed over.
func (a *Activities) Steer(ctx context.Context, in SteerInput) (*SteerResult, error) {
	r := &round{Activities: a, job: in.Job, progress: in.Progress}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &r.progress); err != nil {
			return nil, fmt.Errorf("read progress: %w", err)
		}
	}
	return r.run(ctx)
}

// round is the state of Steer.
type round struct {
	*Activities
	job      models.Job
	progress models.Progress
}

// target is what a job acts on: a delivery, or an event that lacks one.
type target struct {
	id       string
	delivery *models.Delivery // nil: it has yet to be made
}

func (r *round) run(ctx context.Context) (*SteerResult, error) {
	pace := rate.NewLimiter(rate.Limit(r.job.Rate), 1)
	for end := r.now().Add(RoundLength); r.now().Before(end); {
		page, err := r.page(ctx)
		if err != nil {
			return nil, ours("read what to "+string(r.job.Action), err)
		}
		if err := r.steer(ctx, page, pace); err != nil {
			return nil, err
		}
		over, err := r.over(ctx, len(page) == 0)
		if over || err != nil {
			return &SteerResult{Progress: r.progress, Done: true}, err
		}
	}
	return &SteerResult{Progress: r.progress}, nil
}

func (r *round) page(ctx context.Context) ([]target, error) {
	selection := r.job.Selection
	if r.job.Action == models.JobDeliver {
		events, err := r.store.MissingEvents(ctx, selection.SubscriptionID, selection.Since, selection.Until, r.progress.After, steerPage)
		if models.ErrorCode(err) == models.CodeNotFound {
			return nil, nil // nobody to deliver to any more
		}
		return targetsOf(events, func(e *models.Event) target { return target{id: e.ID} }), err
	}
	deliveries, err := r.store.SelectDeliveries(ctx, selection, r.progress.After, steerPage)
	return targetsOf(deliveries, func(d *models.Delivery) target { return target{id: d.ID, delivery: d} }), err
}

func targetsOf[T any](rows []T, convert func(T) target) []target {
	targets := make([]target, len(rows))
	for i, row := range rows {
		targets[i] = convert(row)
	}
	return targets
}

func (r *round) steer(ctx context.Context, page []target, pace *rate.Limiter) error {
	for _, t := range page {
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		switch err := r.act(ctx, t); models.ErrorCode(err) {
		case "":
			r.progress.Done++
		case models.CodeConflict, models.CodeNotFound:
			r.progress.Skipped++
		default:
			return fmt.Errorf("%s %s: %w", r.job.Action, t.id, err)
		}
		r.progress.After = t.id
		activity.RecordHeartbeat(ctx, r.progress)
	}
	return nil
}

func (r *round) act(ctx context.Context, t target) error {
	switch r.job.Action {
	case models.JobCancel:
		return r.steering.Cancel(ctx, t.delivery, r.job.Why)
	case models.JobRedeliver:
		return r.steering.Redeliver(ctx, t.delivery, r.job.Why)
	case models.JobResume:
		return r.steering.Resume(ctx, t.delivery)
	case models.JobDeliver:
		delivery, err := r.store.AddDelivery(ctx, t.id, r.job.Selection.SubscriptionID)
		if err != nil {
			return err
		}
		return r.steering.Begin(ctx, delivery)
	}
	return final(Gone, fmt.Sprintf("this version does not know how to %q", r.job.Action))
}

// over reports whether the job has nothing more to do, and writes down how far it has come.
func (r *round) over(ctx context.Context, atEnd bool) (bool, error) {
	switch {
	case r.job.RecoveryID != "":
		return r.recovered(ctx, atEnd)
	case r.job.Action == models.JobResume:
		return r.resumed(ctx, atEnd)
	default:
		return atEnd, nil
	}
}

func (r *round) recovered(ctx context.Context, atEnd bool) (bool, error) {
	status, err := r.store.SaveProgress(ctx, r.job.RecoveryID, r.progress)
	if err != nil {
		return false, ours("save progress", err)
	}
	if !atEnd || status != models.RecoveryRunning {
		return status != models.RecoveryRunning, nil
	}
	if _, err := r.store.FinishRecovery(ctx, r.job.RecoveryID, models.RecoveryCompleted); err != nil {
		return false, ours("finish recovery", err)
	}
	return true, nil
}

// resumed is over when the subscription was paused again. At the end of the list it first says that turns are no longer
// taken, so that whatever is held from now on lets itself go, and then looks once more for what was held before.
func (r *round) resumed(ctx context.Context, atEnd bool) (bool, error) {
	id := r.job.Selection.SubscriptionID
	sub, err := r.store.Subscription(ctx, id)
	switch {
	case models.ErrorCode(err) == models.CodeNotFound:
		return atEnd, nil
	case err != nil:
		return false, ours("load subscription", err)
	case sub.Status == models.SubscriptionPaused || sub.ResumeRate == 0:
		return atEnd || sub.Status == models.SubscriptionPaused, nil
	case !atEnd:
		return false, nil
	}
	if err := r.store.FinishResume(ctx, id); err != nil {
		return false, ours("finish resuming", err)
	}
	return false, nil
}

// CancelRecoveryInput names the recovery.
type CancelRecoveryInput struct {
	RecoveryID string `json:"recovery_id"`
}

// CancelRecovery writes down that a recovery was cancelled in Temporal.
func (a *Activities) CancelRecovery(ctx context.Context, in CancelRecoveryInput) error {
	_, err := a.store.FinishRecovery(ctx, in.RecoveryID, models.RecoveryCancelled, models.AuditEntry{
		Action: models.AuditCancelRecovery, Why: models.Why{By: "temporal", Reason: "the workflow was cancelled in Temporal"},
	})
	if err != nil {
		return ours("cancel recovery", err)
	}
	return nil
}
