package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/posthaste/posthaste/models"
)

// easePace is how many times as long as a batch took the next one is waited for, so that removing leaves the database free for
// publishers and attempts.
const easePace = 4

// Expirer removes what has ended.
type Expirer interface {
	// Endings lists the passes that there are to make.
	Endings(ctx context.Context, keep models.Retention, at time.Time) ([]models.Ending, error)
	// Expire removes a batch of what has ended, unless a pass was finished at the time again or later. over: there is no further
	// batch, or another process is at it.
	Expire(ctx context.Context, e models.Ending, again time.Time) (gone models.Removed, over bool, err error)
	// MakePartitions makes room for new data that can be removed as a whole.
	MakePartitions(ctx context.Context) error
}

// Expire removes in batches what has ended, as Expirer says, and tells of each batch. Between batches it rests, so that publishers and
// attempts hardly notice. It may be stopped at any time: finished batches stay, and the next call goes on after them.
func Expire(ctx context.Context, s Expirer, e models.Ending, again time.Time, tell func(models.Removed)) error {
	for over := false; !over; {
		began := time.Now()
		gone, end, err := s.Expire(ctx, e, again)
		if err != nil {
			return err
		}
		tell(gone)
		if over = end; !over {
			sleep(ctx, easePace*time.Since(began))
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// expire removes what has ended, each kind in a pass of its own. Any number of processes may do so: they share each pass.
func (d *Dispatcher) expire(ctx context.Context) {
	if d.Retention.Of(models.ExpireEvents)+d.Retention.Of(models.ExpirePayloads) > 0 {
		if err := d.Store.MakePartitions(ctx); err != nil && ctx.Err() == nil {
			d.Logger.WarnContext(ctx, "retention.partitions_missing", "error", err, "hint", "new data go where they are removed row by row; it is tried again")
		}
	}
	began := time.Now()
	endings, err := d.Store.Endings(ctx, d.Retention, began)
	if err != nil {
		d.reportExpired(ctx, models.Ending{}, models.Removed{}, err)
		return
	}
	for _, e := range endings {
		var gone models.Removed
		err := Expire(ctx, d.Store, e, began.Add(-d.ExpireEvery/2), gone.Add)
		d.reportExpired(ctx, e, gone, err)
	}
}

func (d *Dispatcher) reportExpired(ctx context.Context, e models.Ending, gone models.Removed, err error) {
	what := slog.Group("", slog.String("expiry", string(e.Expiry)), slog.String("tenant", e.Tenant))
	if gone != (models.Removed{}) {
		d.Logger.LogAttrs(ctx, slog.LevelInfo, "retention.removed", what,
			slog.Int("events", gone.Events), slog.Int("deliveries", gone.Deliveries), slog.Int("attempts", gone.Attempts),
			slog.Int("payloads", gone.Payloads), slog.Int("recoveries", gone.Recoveries), slog.Int("entries", gone.Entries),
			slog.Int64("bytes", gone.Bytes))
	}
	if err != nil && ctx.Err() == nil {
		d.Logger.LogAttrs(ctx, slog.LevelWarn, "retention.interrupted", what, slog.Any("error", err),
			slog.String("hint", "the next pass goes on where this one ended"))
	}
}
