package engine

import (
	"context"
	"errors"
	"log/slog"

	"go.temporal.io/server/common/config"
)

// Store is where an engine keeps its state: [SQLite] or [Postgres].
type Store interface {
	// open returns the database with its schema in place, reserved for us. While
	// it has to wait, it logs the reason.
	open(ctx context.Context, log *slog.Logger) (*database, error)
}

// database is an opened store.
type database struct {
	main       *config.SQL // workflows, task queues, namespaces
	visibility *config.SQL // the searchable list of workflows
	shards     int32       // cannot be changed once the store is in use
	close      func() error
}

// ErrInUse says that another engine is running on the store. Two would take the
// shards from each other without end.
var ErrInUse = errors.New("in use by another engine")
