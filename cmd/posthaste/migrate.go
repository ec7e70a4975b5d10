package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/models"
)

// migrateCmd brings the database up to date, or shows the state of its migrations.
type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply the missing migrations."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and when they were applied; exits with 4 unless the database fits this program."`

	ReleaseTemporal releaseTemporalCmd `cmd:"" name:"release-temporal" help:"Release the database for another Temporal, after the old one is gone or when you move to another cluster."`
}

type migrateUpCmd struct {
	config.Store `group:"Storage"`
}

// Run implements the command.
func (c *migrateUpCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) error {
	db, err := openStore(ctx, c.Store, nil, log)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // everything written is committed
	applied, err := db.Migrate(ctx)
	for _, name := range applied {
		fmt.Fprintln(s.Out, "applied", name)
	}
	if err == nil {
		err = db.CheckMigrated(ctx) // a newer version may have migrated it
	}
	if err == nil && len(applied) == 0 {
		fmt.Fprintln(s.Out, "nothing to do: the database is up to date")
	}
	return err
}

type migrateStatusCmd struct {
	config.Store `group:"Storage"`
}

// Run implements the command.
func (c *migrateStatusCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) error {
	db, err := openStore(ctx, c.Store, nil, log)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing was written
	migrations, err := db.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
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
		return terminal.Coded(err, terminal.CodeConflict)
	}
	return nil
}

// releaseTemporalCmd releases the database from its Temporal, so that the next one that is started on it can claim it.
type releaseTemporalCmd struct {
	config.Store `group:"Storage"`

	Actor  string `name:"actor" env:"POSTHASTE_ACTOR" placeholder:"NAME" help:"Your name, for the audit (default: user@host)."`
	Reason string `name:"reason" placeholder:"TEXT" help:"Reason, for the audit."`
}

// Help is the long help of the command.
func (releaseTemporalCmd) Help() string {
	return "A database belongs to the Temporal namespace that used it first. Servers with another namespace are refused, because two namespaces would make each delivery twice. Stop all servers of the database first: a server that still runs takes it back. The next server that starts gets the database and continues its open deliveries."
}

// Run implements the command.
func (c *releaseTemporalCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) error {
	db, err := openStore(ctx, c.Store, nil, log)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // everything written is committed
	if err := db.CheckMigrated(ctx); err != nil {
		return err
	}
	why := models.Why{By: cmp.Or(c.Actor, terminal.Whoami()), Reason: c.Reason}
	if err := why.Validate(); err != nil {
		return err
	}
	was, err := db.ReleaseEngine(ctx, models.AuditEntry{Action: models.AuditReleaseEngine, Why: why})
	switch {
	case err != nil:
		return err
	case was.NamespaceID == "":
		fmt.Fprintln(s.Out, "nothing to do: the database belongs to no Temporal")
	default:
		fmt.Fprintf(s.Out, "released from namespace %s (%s), which had it since %s; the next server that is started gets it\n",
			was.Namespace, was.NamespaceID, was.BoundAt.Format(time.RFC3339))
	}
	return nil
}
