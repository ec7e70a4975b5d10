package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/terminal"
)

// benchRetention is less than the age of what the scenario retention stores.
const benchRetention = 30 * 24 * time.Hour

// archive is the database of the started server, to be filled by the scenario retention. It connects when it is used.
func (b *benchRun) archive(ctx context.Context, folder string) (bench.Archive, error) {
	cfg := config.Store{Data: folder}
	driver, address := "sqlite", fmt.Sprintf("file:%s?%s", cfg.SQLitePath(), url.Values{"_pragma": {"busy_timeout(30000)"}}.Encode())
	if b.Store == storePostgres {
		cfg.DatabaseURL = b.DatabaseURL
		driver, address = "pgx", b.DatabaseURL
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		return bench.Archive{}, err // the drivers leave the password out
	}
	b.log.DebugContext(ctx, "bench.archive", "driver", driver)
	remove := retentionRunCmd{Store: cfg, Retention: config.Retention{Events: benchRetention}}
	return bench.Archive{Database: db, Postgres: b.Store == storePostgres, Expire: func(ctx context.Context) error {
		return remove.Run(ctx, terminal.Streams{Out: io.Discard, Err: io.Discard}, b.log)
	}}, nil
}
