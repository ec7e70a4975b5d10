package store

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const (
	// provedFor is how long a write that went through lets attempts begin without another proof.
	provedFor = 5 * time.Second

	// readyFor is the same for readiness, and how long a probe that failed speaks for those who ask after it.
	readyFor = time.Second

	// probeTimeout is for one probe. On SQLite it may have to wait for longer writes of ours.
	probeTimeout = 5 * time.Second

	// probeFiller is what a probe writes after a write has failed: as much as recording an attempt may take and some more,
	// since a disk that is full can still have room for a row.
	probeFiller = 256 << 10
)

// health knows whether the store can be written to. Writes that go through anyway are the proof; where there was none for
// a while, or one has failed, a probe is written: one for all who ask.
type health struct {
	probe func(ctx context.Context, filler []byte) error

	proved atomic.Int64 // when a write last went through, in Unix nanoseconds
	broken atomic.Bool  // a write failed, and no probe went through since
	flight singleflight.Group
	failed atomic.Pointer[failedProbe]
}

type failedProbe struct {
	err error
	at  time.Time
}

// note takes notice of how a write ended. What ended because its caller had gone says nothing.
func (h *health) note(ctx context.Context, err error) {
	switch {
	case err == nil:
		h.proved.Store(time.Now().UnixNano())
	case isAway(err) && (ctx.Err() == nil || errors.Is(context.Cause(ctx), errLate)):
		h.broken.Store(true)
	}
}

// writable returns nil if a write went through within the time, or does now.
func (h *health) writable(ctx context.Context, within time.Duration) error {
	if !h.broken.Load() && time.Since(time.Unix(0, h.proved.Load())) < within {
		return nil
	}
	select {
	case tried := <-h.flight.DoChan("", func() (any, error) { return nil, h.try(context.WithoutCancel(ctx)) }):
		return tried.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try writes a probe, unless one has just failed.
func (h *health) try(ctx context.Context) error {
	if last := h.failed.Load(); last != nil && time.Since(last.at) < readyFor {
		return last.err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout, errLate)
	defer cancel()
	var filler []byte
	if h.broken.Load() {
		filler = make([]byte, probeFiller)
		_, _ = rand.Read(filler) // Postgres would compress anything else; this never fails
	}
	if err := h.probe(ctx, filler); err != nil {
		h.broken.Store(true)
		h.failed.Store(&failedProbe{err: err, at: time.Now()})
		return err
	}
	h.proved.Store(time.Now().UnixNano())
	h.broken.Store(false)
	h.failed.Store(nil)
	return nil
}

// Writable reports whether what is done now can be recorded, for those who should not do it otherwise. It costs nothing
// while writes go through, and one small write for all who ask when there was none for five seconds. After a write has
// failed it is an error until a probe of some size goes through, which is tried once a second at most.
func (s *Store) Writable(ctx context.Context) error {
	return translate("see whether the database can be written", s.health.writable(ctx, provedFor))
}

// Health says whether the store can be read and written, and if not, in which way. It asks anew once a second at most.
func (s *Store) Health(ctx context.Context) (models.Health, error) {
	err := s.health.writable(ctx, readyFor)
	if err == nil {
		err = ping(ctx, s.read)
	}
	if err == nil {
		return models.HealthReady, nil
	}
	return stateOf(err), translate("see whether the database can be used", err)
}

const probeStatement = `INSERT INTO write_probe (id, at, filler) VALUES (1, ?, ?)
	ON CONFLICT (id) DO UPDATE SET at = excluded.at, filler = excluded.filler`

// probe writes and commits, and then takes the filler away again.
func (s *Store) probe(ctx context.Context, filler []byte) error {
	err := s.write.WithContext(ctx).Exec(probeStatement, now(), filler).Error
	if err == nil && filler != nil {
		err = s.write.WithContext(ctx).Exec(probeStatement, now(), nil).Error
	}
	if stateOf(err) == models.HealthReadOnly {
		s.dropIdle()
	}
	return err
}

// dropIdle closes the connections that nobody uses: those to a server that has become a standby stay with it, and a new one
// finds the primary.
func (s *Store) dropIdle() {
	if db, err := s.write.DB(); err == nil && s.read == s.write {
		db.SetMaxIdleConns(0)
		db.SetMaxIdleConns(postgresConns)
	}
}

// transact carries out do in a transaction, and takes notice of whether that can be done.
func (s *Store) transact(ctx context.Context, do func(tx *gorm.DB) error) error {
	return s.execute(ctx, func(tx *gorm.DB) error { return tx.Transaction(do) })
}

// execute is transact for a single statement.
func (s *Store) execute(ctx context.Context, do func(tx *gorm.DB) error) error {
	err := do(s.write.WithContext(ctx))
	s.health.note(ctx, err)
	return err
}
