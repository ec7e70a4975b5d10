package worker

import (
	"context"
	"errors"

	"github.com/posthaste/posthaste/models"
)

const jobPages = 10

// jobs returns the work that starts the jobs which are under way by the store. Their workflows may be missing, because
// Temporal was away or the process died when the job was requested. A job that runs is left alone.
func (d *Dispatcher) jobs() func(context.Context) {
	resuming := scan[*models.Subscription]{
		pages: jobPages, id: func(s *models.Subscription) string { return s.ID },
		list: d.Store.ResumingSubscriptions, work: d.resumeSubscription,
	}
	stopping := scan[*models.Stop]{
		pages: jobPages, id: func(s *models.Stop) string { return s.ID },
		list: d.Store.WalkingStops, work: d.resumeStop,
	}
	running := scan[*models.Recovery]{
		pages: jobPages, id: func(r *models.Recovery) string { return r.ID },
		list: d.Store.RunningRecoveries, work: d.resumeRecovery,
	}
	return func(ctx context.Context) {
		if err := errors.Join(resuming.next(ctx), stopping.next(ctx), running.next(ctx)); err != nil {
			d.Logger.DebugContext(ctx, "jobs.not_resumed", "error", err) // the sweep reports it
		}
	}
}

func (d *Dispatcher) resumeSubscription(ctx context.Context, s *models.Subscription) error {
	return d.resume(ctx, "subscription_id", s.ID, models.ResumeJob(s, models.Why{}))
}

func (d *Dispatcher) resumeStop(ctx context.Context, s *models.Stop) error {
	return d.resume(ctx, "stop_id", s.ID, s.Job())
}

func (d *Dispatcher) resumeRecovery(ctx context.Context, r *models.Recovery) error {
	return d.resume(ctx, "recovery_id", r.ID, r.Job())
}

func (d *Dispatcher) resume(ctx context.Context, what, id string, job models.Job) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return d.unlessRefused(ctx, what, id, d.Control.Start(ctx, job))
}
