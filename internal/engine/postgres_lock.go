package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
)

const (
	// postgresLockKey is the number of our advisory lock, which is local to the
	// database "temporal": the first bytes of "posthaste".
	postgresLockKey = 0x706f737468617374

	// lockWait is how long a start waits for another engine to end, so that a
	// replacement can be started while the old process is still shutting down.
	lockWait = 45 * time.Second
)

// postgresLock is held by an open connection, and so ends with the process. When
// only the connection is lost, such as when Postgres restarts, the engine goes on
// without: the lock is there to catch a mistake at start, not to elect a leader,
// and Temporal itself keeps two servers from harming each other's data.
type postgresLock struct{ db *sqlx.DB }

// lock takes the lock, waiting for a while if another engine has it.
func (s *postgresServer) lock(ctx context.Context, log *slog.Logger) (*postgresLock, error) {
	db, err := s.connect(mainDatabase)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s: %w", mainDatabase, err)
	}
	// One connection that is never closed while idle: it is the lock.
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	if err := acquire(ctx, db, log); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("lock database %s: %w", mainDatabase, err)
	}
	return &postgresLock{db: db}, nil
}

func acquire(ctx context.Context, db *sqlx.DB, log *slog.Logger) error {
	// Have Postgres notice within half a minute that a machine has vanished with
	// the lock; it would take two hours by default.
	const keepalive = `SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3`
	if _, err := db.ExecContext(ctx, keepalive); err != nil {
		return err
	}
	deadline := time.Now().Add(lockWait)
	for waiting := false; ; waiting = true {
		var got bool
		if err := db.GetContext(ctx, &got, `SELECT pg_try_advisory_lock($1)`, int64(postgresLockKey)); err != nil || got {
			return err
		}
		if time.Now().After(deadline) {
			return ErrInUse
		}
		if !waiting {
			log.Info("engine.waiting_for_lock", "at_most", lockWait, "hint", "another engine runs on this Postgres")
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("%w: %w", ErrInUse, err)
		}
	}
}

func (l *postgresLock) release() error { return l.db.Close() }
