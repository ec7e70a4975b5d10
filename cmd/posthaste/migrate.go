package main

import (
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/posthaste/posthaste/internal/config"
)

// migrateCmd brings the database up to date, or shows how it stands.
type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply the migrations that are missing."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and when they were applied; exits with 4 unless the database fits this program."`
}

type migrateUpCmd struct {
	config.Store `group:"Storage"`
}

// Run implements the command.
func (c *migrateUpCmd) Run(ctx context.Context, s streams, log *slog.Logger) error {
	db, err := openStore(ctx, c.Store, nil, log)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // what was written is committed
	applied, err := db.Migrate(ctx)
	for _, name := range applied {
		fmt.Fprintln(s.out, "applied", name)
	}
	if err == nil {
		err = db.CheckMigrated(ctx) // a newer version may have been here
	}
	if err == nil && len(applied) == 0 {
		fmt.Fprintln(s.out, "nothing to do: the database is up to date")
	}
	return err
}

type migrateStatusCmd struct {
	config.Store `group:"Storage"`
}

// Run implements the command.
func (c *migrateStatusCmd) Run(ctx context.Context, s streams, log *slog.Logger) error {
	db, err := openStore(ctx, c.Store, nil, log)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing was written
	migrations, err := db.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MIGRATION\tAPPLIED")
	for _, m := range migrations {
		applied := "pending"
		if !m.AppliedAt.IsZero() {
			applied = m.AppliedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\n", m.Name, applied)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if err := db.CheckMigrated(ctx); err != nil {
		return codedError{err, codeConflict}
	}
	return nil
}
