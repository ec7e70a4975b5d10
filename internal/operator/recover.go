package operator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// recoverCmd redelivers many deliveries at once.
type recoverCmd struct {
	Remote `group:"Server"`

	Start  recoverStartCmd  `cmd:"" help:"Redeliver the events that a subscription missed, as a job on the server."`
	List   recoverListCmd   `cmd:"" help:"List recoveries, newest first."`
	Get    recoverGetCmd    `cmd:"" help:"Show a recovery."`
	Cancel recoverCancelCmd `cmd:"" help:"Stop recoveries; deliveries that were already released are still sent."`
}

type recoverStartCmd struct {
	Subscription string `arg:"" help:"Id of the subscription."`

	Since  when              `name:"since" required:"" placeholder:"WHEN" help:"Only deliveries created at this time or later: a time, a date, or an age (2h, 3d, 2w)."`
	Until  when              `name:"until" placeholder:"WHEN" help:"Only deliveries created before this time (default: now)."`
	Status client.RecoveryOf `name:"status" enum:"exhausted,cancelled,delivered,missing" default:"exhausted" placeholder:"STATUS" help:"Deliveries to repeat: exhausted (the default), cancelled or delivered; or missing: matching events without a delivery, for example from before the subscription."`
	Rate   int               `name:"rate" placeholder:"N" help:"Deliveries a second (default: the server's, 50)."`
	Reason string            `name:"reason" placeholder:"WORDS" help:"Reason, for the audit."`
	Tenant string            `name:"tenant" placeholder:"NAME" help:"Refuse if the subscription belongs to another tenant."`
	DryRun bool              `name:"dry-run" help:"Print the number of deliveries, and start nothing."`
	Wait   bool              `name:"wait" default:"true" negatable:"" help:"Wait until the recovery is done, with a progress bar on a terminal (the default)."`
	Poll   time.Duration     `name:"poll" hidden:"" default:"1s"`
}

// Run implements the command.
func (c *recoverStartCmd) Run(ctx context.Context, o *operator) error {
	request := client.RecoveryRequest{
		SubscriptionID: c.Subscription, Since: c.Since.Time, Until: c.Until.Time,
		Of: c.Status, Rate: c.Rate, Reason: c.Reason, Tenant: c.Tenant,
	}
	if c.DryRun {
		dry, err := o.DryRunRecovery(ctx, request)
		if err != nil {
			return err
		}
		return recoveryLayout.print(o, client.Recovery{RecoveryPlan: dry.RecoveryPlan})
	}
	recovery, err := o.StartRecovery(ctx, request)
	if err != nil {
		return err
	}
	if c.Wait {
		if recovery, err = o.await(ctx, recovery, c.Poll); err != nil {
			return err
		}
	}
	return recoveryLayout.print(o, *recovery)
}

// await waits until a recovery has ended.
func (o *operator) await(ctx context.Context, r *client.Recovery, every time.Duration) (*client.Recovery, error) {
	bar := terminal.NewBar(o.s.Err, r.Total, "redelivering")
	p := patience{w: o.s.Err, every: every}
	err := p.until(ctx, func() (bool, error) {
		now, err := o.Recovery(ctx, r.ID)
		if err != nil {
			return false, err
		}
		r = now
		showProgress(bar, r)
		return !r.Running(), nil
	})
	_ = bar.Clear()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("stopped waiting; %s continues on the server", r.ID)
	}
	return r, err
}

// showProgress moves the bar. The recovery may have more deliveries by now than at the start.
func showProgress(bar *progressbar.ProgressBar, r *client.Recovery) {
	done := r.Done + r.Skipped
	if done > bar.GetMax() {
		bar.ChangeMax(done)
	}
	_ = bar.Set(done)
}

type recoverListCmd struct {
	Limited

	Tenant       string                `name:"tenant" placeholder:"NAME" help:"Only for this tenant."`
	Subscription string                `name:"subscription" placeholder:"ID" help:"Only for this subscription."`
	Status       client.RecoveryStatus `name:"status" enum:",running,completed,cancelled" default:"" placeholder:"STATUS" help:"Only in this status: running, completed or cancelled."`
}

// Run implements the command.
func (c *recoverListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Recoveries(ctx, client.RecoveryFilter{
		Tenant: c.Tenant, SubscriptionID: c.Subscription, Status: c.Status, PageSize: c.pageSize(),
	}), recoveryLayout)
}

type recoverGetCmd struct {
	ID string `arg:"" help:"Id of the recovery."`
}

// Run implements the command.
func (c *recoverGetCmd) Run(ctx context.Context, o *operator) error {
	recovery, err := o.Recovery(ctx, c.ID)
	if err != nil {
		return err
	}
	return recoveryLayout.print(o, *recovery)
}

type recoverCancelCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the recoveries."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the audit."`
}

// Run implements the command.
func (c *recoverCancelCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Recovery, error) { return o.CancelRecovery(ctx, id, c.Reason) },
		func(r client.Recovery) string {
			return fmt.Sprintf("%s: cancellation requested (had redelivered %d of %d)", r.ID, r.Done, r.Total)
		})
}

var recoveryLayout = layout[client.Recovery]{
	columns: []string{"id", "subscription_id", "status", "recovers", "total", "done", "created_at"},
	fields: func(r client.Recovery) []field {
		return []field{
			{"id", r.ID},
			{"tenant", r.Tenant},
			{"subscription_id", r.SubscriptionID},
			{"status", recoveryStatus(r)},
			{"recovers", string(r.Recovers)},
			{"since", clock(r.Since)},
			{"until", clock(r.Until)},
			{"rate", count(r.Rate)},
			{"total", strconv.Itoa(r.Total)},
			{"done", started(r, strconv.Itoa(r.Done))},
			{"skipped", started(r, strconv.Itoa(r.Skipped))},
			{"by", started(r, r.By)},
			{"reason", started(r, r.Reason)},
			{"created_at", clock(r.CreatedAt)},
			{"finished_at", clock(r.FinishedAt)},
			{"workflow", r.Links.Workflow},
		}
	},
}

// started returns the value, or "" for a dry run: only a recovery that was started has the field, and an id.
func started(r client.Recovery, value string) string {
	if r.ID == "" {
		return ""
	}
	return value
}

func recoveryStatus(r client.Recovery) string {
	if r.ID == "" {
		return "not started (dry run)"
	}
	return string(r.Status)
}
