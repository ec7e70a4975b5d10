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
	// Expire removes a batch of what ended before the time, unless a pass was finished at the time again or later. over: there
	// is no further batch, or another process is at it.
	Expire(ctx context.Context, what models.Expiry, before, again time.Time) (gone models.Removed, over bool, err error)
	// MakePartitions makes room for new data that can be removed as a whole.
	MakePartitions(ctx context.Context) error
}

// Expire removes in batches what ended before the time, as Expirer says, and tells of each batch. Between batches it rests for
// the given multiple of the time that a batch took. It may be stopped at any time: finished batches stay, and the next call goes
// on after them.
func Expire(ctx context.Context, s Expirer, what models.Expiry, before, again time.Time, rest int, tell func(models.Removed)) error {
	for over := false; !over; {
		began := time.Now()
		gone, end, err := s.Expire(ctx, what, before, again)
		if err != nil {
			return err
		}
		tell(gone)
		if over = end; !over {
			sleep(ctx, time.Duration(rest)*time.Since(began))
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
	for _, what := range models.Expiries() {
		keep := d.Retention.Of(what)
		if keep == 0 {
			continue
		}
		var gone models.Removed
		began := time.Now()
		err := Expire(ctx, d.Store, what, began.Add(-keep), began.Add(-d.ExpireEvery/2), easePace, gone.Add)
		d.reportExpired(ctx, what, gone, err)
	}
}

func (d *Dispatcher) reportExpired(ctx context.Context, what models.Expiry, gone models.Removed, err error) {
	if gone != (models.Removed{}) {
		d.Logger.LogAttrs(ctx, slog.LevelInfo, "retention.removed", slog.String("expiry", string(what)),
			slog.Int("events", gone.Events), slog.Int("deliveries", gone.Deliveries), slog.Int("attempts", gone.Attempts),
			slog.Int("payloads", gone.Payloads), slog.Int("entries", gone.Entries), slog.Int64("bytes", gone.Bytes))
	}
	if err != nil && ctx.Err() == nil {
		d.Logger.WarnContext(ctx, "retention.interrupted", "expiry", what, "error", err, "hint", "the next pass goes on where this one ended")
	}
}
