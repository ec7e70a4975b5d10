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

// RoundLength is how long one round of a job works before it reports.
const RoundLength = 30 * time.Second

const (
	steerPage = 100
	// settleTime is what resumed deliveries get to leave the status held before those that have not are told again, and
	// what a stop waits before it looks for more.
	settleTime = 5 * time.Second
	// saveEvery is how often a round looks whether it should end. After a crash the counts, not the work, may lack what
	// was done since.
	saveEvery = time.Second
)

// SteerInput says what to do, and how far that has come.
type SteerInput struct {
	models.Job
	Progress models.Progress `json:"progress,omitzero"`
}

// SteerResult is how far the job has come. Done says that it is over; Wait, how long to wait before the next round, in
// nanoseconds.
type SteerResult struct {
	Progress models.Progress `json:"progress"`
	Done     bool            `json:"done,omitempty"`
	Wait     time.Duration   `json:"wait,omitempty"`
}

// Steer carries out a job for a while, oldest deliveries first, at the job's rate. Its heartbeats carry the progress:
// after a crash it goes on with the delivery at which it had come, so that none is passed over.
func (a *Activities) Steer(ctx context.Context, in SteerInput) (*SteerResult, error) {
	r := &round{
		Activities: a, job: in.Job, progress: in.Progress, pace: rate.NewLimiter(rate.Limit(in.Rate), 1),
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
	pace     *rate.Limiter
	saved    time.Time // when progress was last written down
	origin   string    // of the job: whom it told before a crash, it may tell again
}

// catchUp starts where a round came to that was cut off, as its heartbeats tell, or the recovery's row. The row has the last
// word: Temporal may know of more that was done, in a store that has been replaced by an older one.
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

// target is what a job acts on: a delivery, or an event that lacks one.
type target struct {
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
		if over, err := r.steer(ctx, page); over || err != nil {
			return &SteerResult{Progress: r.progress, Done: true}, err
		}
	}
	r.saved = time.Time{} // the next round begins with what is written down
	over, err := r.over(ctx)
	return &SteerResult{Progress: r.progress, Done: over}, err
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

// steer acts on a page, and reports whether the job is over.
func (r *round) steer(ctx context.Context, page []target) (bool, error) {
	for _, t := range page {
		if over, err := r.over(ctx); over || err != nil {
			return over, err
		}
		if err := r.pace.Wait(ctx); err != nil {
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

func (r *round) act(ctx context.Context, t target) error {
	switch r.job.Action {
	case models.JobCancel:
		return r.cancel(ctx, t.delivery)
	case models.JobRedeliver:
		return r.steering.Redeliver(ctx, t.delivery, r.job.Why, r.origin+"/"+t.id, r.job.Epoch)
	case models.JobResume, models.JobHold: // a delivery that looks whether it may go finds out that it may not
		return r.steering.Resume(ctx, t.delivery)
	case models.JobDeliver:
		delivery, err := r.store.AddDelivery(ctx, t.id, r.job.Selection.SubscriptionID, r.job.Epoch)
		if err != nil {
			return err
		}
		return r.steering.Begin(ctx, delivery)
	}
	return final(Gone, fmt.Sprintf("this version does not know how to %q", r.job.Action))
}

// cancel tells the workflow first and the store then, so that nothing of a stop is taken for closed whose workflow was not
// told. What is delivered meanwhile stays so.
func (r *round) cancel(ctx context.Context, delivery *models.Delivery) error {
	before := r.job.Selection.Before
	told := r.steering.Cancel(ctx, delivery, r.job.Why, before)
	if refused := models.ErrorCode(told) == models.CodeConflict; before == 0 || told != nil && !refused {
		return told
	}
	_, err := r.store.CancelDelivery(ctx, delivery.ID, r.job.Why, "", before)
	return err
}

// over reports whether somebody has put an end to the job, and writes down how far it has come. It looks every now and
// then only.
func (r *round) over(ctx context.Context) (bool, error) {
	if r.now().Sub(r.saved) < saveEvery {
		return false, nil
	}
	r.saved = r.now()
	switch {
	case r.job.RecoveryID != "":
		return r.recoveryOver(ctx)
	case r.job.Action == models.JobResume, r.job.Action == models.JobHold:
		return r.turned(ctx)
	default:
		return false, nil
	}
}

// recoveryOver also cancels a recovery whose subscription takes nothing any more.
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

// stopped reports whether what the job redelivers was cancelled after that was asked for.
func (r *round) stopped(ctx context.Context) (bool, error) {
	if r.job.Epoch == 0 {
		return false, nil
	}
	why, err := r.store.Stopped(ctx, r.job.Tenant, r.job.Epoch, r.job.Selection.SubscriptionID)
	return why != nil, err
}

// turned reports whether the subscription was paused while it resumed, or resumed while it was being paused.
func (r *round) turned(ctx context.Context) (bool, error) {
	sub, err := r.store.Subscription(ctx, r.job.Selection.SubscriptionID)
	if models.ErrorCode(err) == models.CodeNotFound {
		return false, nil // its held deliveries have to learn that
	}
	if err != nil {
		return false, ours("load subscription", err)
	}
	if sub.ResumeRate > 0 {
		r.pace.SetLimit(rate.Limit(sub.ResumeRate))
	}
	paused := sub.Status == models.SubscriptionPaused
	return paused == (r.job.Action == models.JobResume), nil
}

// end comes when the list has been walked. Deliveries leave the status held by themselves: while there is one, those
// that are held are told once more. So is what a plan, which was under way, made for a stop to close.
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

// CancelRecovery writes down that a recovery was cancelled in Temporal.
func (a *Activities) CancelRecovery(ctx context.Context, in CancelRecoveryInput) error {
	return a.cancelRecovery(ctx, in.RecoveryID, models.Why{By: "temporal", Reason: "the workflow was cancelled in Temporal"})
}

func (a *Activities) cancelRecovery(ctx context.Context, id string, why models.Why) error {
	entry := models.AuditEntry{Action: models.AuditCancelRecovery, Why: why}
	_, err := a.store.FinishRecovery(ctx, id, models.RecoveryCancelled, entry)
	return ours("cancel recovery", err)
}
