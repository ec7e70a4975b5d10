package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/worker"
)

// retentionCmd removes data that have ended, which a server also does by itself.
type retentionCmd struct {
	Run    retentionRunCmd    `cmd:"" help:"Remove now what has ended, or count it."`
	Status retentionStatusCmd `cmd:"" help:"Show for how long data are kept, and what has been removed."`
}

// expiryNames are the expiries in words.
var expiryNames = map[models.Expiry]string{
	models.ExpireEvents:     "events",
	models.ExpirePayloads:   "payloads",
	models.ExpireLate:       "what was needed longer",
	models.ExpireRecoveries: "recoveries",
	models.ExpireAudit:      "audit",
}

// withStore calls do with the database, which must be migrated.
func withStore(ctx context.Context, cfg config.Store, log *slog.Logger, do func(*store.Store) error) error {
	db, err := openStore(ctx, cfg, nil, log)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // everything written is committed
	if err := db.CheckMigrated(ctx); err != nil {
		return err
	}
	return do(db)
}

type retentionRunCmd struct {
	config.Store     `group:"Storage"`
	config.Retention `group:"Retention"`

	DryRun bool `name:"dry-run" help:"Print what would be removed, and remove nothing."`
}

// Help is the long help of the command.
func (retentionRunCmd) Help() string {
	return "Servers remove by themselves, every ten minutes. Use the settings of the servers here. Servers may run meanwhile, and you can stop the command at any time: the next removal goes on where it was."
}

// Run implements the command.
func (c *retentionRunCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) error {
	if err := c.Retention.Check(); err != nil {
		return err
	}
	return withStore(ctx, c.Store, log, func(db *store.Store) error {
		endings, err := db.Endings(ctx, models.Retention(c.Retention), time.Now())
		if err != nil {
			return err
		}
		for _, e := range endings {
			if err := c.expire(ctx, s, db, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// expire makes one pass, or counts what it would remove.
func (c *retentionRunCmd) expire(ctx context.Context, s terminal.Streams, db *store.Store, e models.Ending) error {
	progress := newRemoval(s.Err, named(e.Expiry, e.Tenant))
	do, done := removeAll, "removed"
	if c.DryRun {
		do, done = countAll, "would remove"
	}
	err := do(ctx, db, e, progress.add)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("stopped after %s; run it again for the rest", inWords(progress.sum))
	}
	if err == nil {
		fmt.Fprintf(s.Out, "%s%s: %s %s\n", progress.what, since(e), done, inWords(progress.sum))
	}
	return err
}

// named names what ends, and the tenant that decides about it.
func named(what models.Expiry, tenant string) string {
	if tenant == "" {
		return expiryNames[what]
	}
	return expiryNames[what] + " of " + tenant
}

// since says from before when the installation's data are removed.
func since(e models.Ending) string {
	if keep := e.Keep.Of(e.Expiry); e.Tenant == "" && keep > 0 {
		return " from before " + e.At.Add(-keep).UTC().Format(time.RFC3339)
	}
	return ""
}

// removeAll makes a pass. It is over when no process is at it.
func removeAll(ctx context.Context, db *store.Store, e models.Ending, tell func(models.Removed)) error {
	for began := time.Now(); ; {
		if err := worker.Expire(ctx, db, e, began, tell); err != nil {
			return err
		}
		states, err := db.Retention(ctx)
		if err != nil {
			return err
		}
		if !walking(states, e) {
			return nil
		}
		select { // another process took a batch
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func walking(states []models.RetentionState, e models.Ending) bool {
	return slices.ContainsFunc(states, func(state models.RetentionState) bool {
		return state.Expiry == e.Expiry && state.Tenant == e.Tenant && state.Walking
	})
}

func countAll(ctx context.Context, db *store.Store, e models.Ending, tell func(models.Removed)) error {
	for after := ""; ; {
		gone, last, err := db.Expiring(ctx, e, after)
		if err != nil {
			return err
		}
		tell(gone)
		if after = last; last == "" {
			return nil
		}
	}
}

// removal prints the progress of a removal.
type removal struct {
	w    io.Writer
	what string
	sum  models.Removed
	last time.Time
}

func newRemoval(w io.Writer, what string) *removal {
	return &removal{w: w, what: what, last: time.Now()}
}

func (r *removal) add(gone models.Removed) {
	r.sum.Add(gone)
	if time.Since(r.last) >= rotateReport {
		r.last = time.Now()
		fmt.Fprintf(r.w, "%s so far: %s\n", r.what, inWords(r.sum))
	}
}

// inWords tells the rows and the bytes.
func inWords(r models.Removed) string {
	var parts []string
	if r.Events > 0 {
		parts = append(parts, fmt.Sprintf("%s, %s and %s", terminal.Plural(r.Events, "event", "events"),
			terminal.Plural(r.Deliveries, "delivery", "deliveries"), terminal.Plural(r.Attempts, "attempt", "attempts")))
	}
	if r.Payloads > 0 {
		parts = append(parts, terminal.Plural(r.Payloads, "payload", "payloads"))
	}
	if r.Recoveries > 0 {
		parts = append(parts, terminal.Plural(r.Recoveries, "recovery", "recoveries"))
	}
	if r.Entries > 0 {
		parts = append(parts, terminal.Plural(r.Entries, "entry", "entries"))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ") + ", about " + inBytes(r.Bytes)
}

func inBytes(n int64) string {
	const kib = 1 << 10
	if n < kib {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n)/kib, 0
	for ; value >= kib && unit < 3; unit++ {
		value /= kib
	}
	return fmt.Sprintf("%.1f %s", value, []string{"KiB", "MiB", "GiB", "TiB"}[unit])
}

type retentionStatusCmd struct {
	config.Store     `group:"Storage"`
	config.Retention `group:"Retention"`
}

// Run implements the command.
func (c *retentionStatusCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) error {
	return withStore(ctx, c.Store, log, func(db *store.Store) error {
		states, err := db.Retention(ctx)
		if err != nil {
			return err
		}
		deciders, err := db.Deciders(ctx)
		if err != nil {
			return err
		}
		size, free, err := db.Size(ctx)
		if err != nil {
			return err
		}
		if err := c.print(s.Out, states, deciders); err != nil {
			return err
		}
		return printSize(s.Out, size, free)
	})
}

func (c *retentionStatusCmd) print(w io.Writer, states []models.RetentionState, deciders []*models.Tenant) error {
	tenants := map[string]*models.Tenant{"": {}}
	for _, tenant := range deciders {
		tenants[tenant.Name] = tenant
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DATA\tKEPT FOR\tREMOVED FROM BEFORE\tLAST PASS\tROWS REMOVED\tBYTES")
	for _, state := range states {
		if tenant := tenants[state.Tenant]; tenant != nil { // else it has left the decision to the installation just now
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", named(state.Expiry, state.Tenant),
				keptFor(models.Retention(c.Retention).For(tenant), state.Expiry), orNever(state.Horizon), lastPass(state), state.Rows, inBytes(state.Bytes))
		}
	}
	return table.Flush()
}

func printSize(w io.Writer, size, free int64) error {
	line := "database: " + inBytes(size)
	if free > 0 {
		line += ", of which " + inBytes(free) + " free"
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

// keptFor says for how long data are kept.
func keptFor(r models.Retention, what models.Expiry) string {
	keep := r.Of(what)
	switch {
	case keep > 0:
		return keep.String()
	case what == models.ExpirePayloads:
		return "as events"
	}
	return "ever"
}

func lastPass(state models.RetentionState) string {
	if state.Walking {
		return "under way"
	}
	return orNever(state.FinishedAt)
}

func orNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}
