package operator

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// deliveriesCmd lists and steers deliveries.
type deliveriesCmd struct {
	Remote `group:"Server"`

	List      deliveriesListCmd      `cmd:"" help:"List deliveries, newest first."`
	Get       deliveriesGetCmd       `cmd:"" help:"Show a delivery."`
	Attempts  deliveriesAttemptsCmd  `cmd:"" help:"List the attempts of a delivery with the receiver's answers; -o json shows the complete requests and responses."`
	Cancel    deliveriesCancelCmd    `cmd:"" help:"Stop deliveries."`
	Redeliver deliveriesRedeliverCmd `cmd:"" help:"Make another attempt of deliveries now, in any status except held."`
	Runs      deliveriesRunsCmd      `cmd:"" help:"List the runs of a delivery's workflow."`
	History   deliveriesHistoryCmd   `cmd:"" help:"Print the history of a delivery's workflow as JSON, for posthaste replay."`
	Tail      deliveriesTailCmd      `cmd:"" help:"Print deliveries as they happen."`
}

// DeliveryFlags select deliveries.
type DeliveryFlags struct {
	Tenant       string                `name:"tenant" placeholder:"NAME" help:"Only for this tenant."`
	Subscription string                `name:"subscription" placeholder:"ID" help:"Only for this subscription."`
	EventType    string                `name:"event-type" placeholder:"TYPE" help:"Only for events of exactly this type."`
	Status       client.DeliveryStatus `name:"status" enum:",pending,held,delivered,exhausted,cancelled" default:"" placeholder:"STATUS" help:"Only in this status: pending, held, delivered, exhausted or cancelled."`
	Since        when                  `name:"since" placeholder:"WHEN" help:"Created at this time or later: a time, a date, or an age (2h, 3d, 2w)."`
}

type deliveriesListCmd struct {
	Limited
	DeliveryFlags

	Event string            `name:"event" placeholder:"ID" help:"Only for this event."`
	Class client.ErrorClass `name:"error-class" placeholder:"CLASS" help:"Only if the last attempt failed with this class (timeout, status …); with --subscription."`
	Code  int               `name:"code" placeholder:"N" help:"Only if the receiver answered the last attempt with this status; with --error-class."`
	Until when              `name:"until" placeholder:"WHEN" help:"Created before this time."`
}

// Run implements the command.
func (c *deliveriesListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Deliveries(ctx, client.DeliveryFilter{
		Tenant: c.Tenant, SubscriptionID: c.Subscription, EventID: c.Event, EventType: c.EventType, Status: c.Status,
		ErrorClass: c.Class, Code: c.Code, Since: c.Since.Time, Until: c.Until.Time, PageSize: c.pageSize(),
	}), deliveryLayout)
}

type deliveriesGetCmd struct {
	ID string `arg:"" help:"Id of the delivery."`
}

// Run implements the command.
func (c *deliveriesGetCmd) Run(ctx context.Context, o *operator) error {
	delivery, err := o.Delivery(ctx, c.ID)
	if err != nil {
		return err
	}
	return deliveryLayout.print(o, *delivery)
}

type deliveriesAttemptsCmd struct {
	ID string `arg:"" help:"Id of the delivery."`
}

// Run implements the command.
func (c *deliveriesAttemptsCmd) Run(ctx context.Context, o *operator) error {
	attempts, err := o.Attempts(ctx, c.ID)
	if err != nil {
		return err
	}
	return attemptLayout.printAll(o, attempts)
}

type deliveriesCancelCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the deliveries."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the delivery and the audit."`
}

// Run implements the command.
func (c *deliveriesCancelCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Delivery, error) { return o.CancelDelivery(ctx, id, c.Reason) },
		func(d client.Delivery) string {
			return fmt.Sprintf("%s: cancellation requested (was %s)", d.ID, d.Status)
		})
}

type deliveriesRedeliverCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the deliveries."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the audit."`
}

// Run implements the command.
func (c *deliveriesRedeliverCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Delivery, error) { return o.RedeliverDelivery(ctx, id, c.Reason) },
		func(d client.Delivery) string {
			return fmt.Sprintf("%s: retry requested (was %s after %s)", d.ID, d.Status, terminal.Plural(d.Attempts, "attempt", "attempts"))
		})
}

type deliveriesRunsCmd struct {
	ID string `arg:"" help:"Id of the delivery."`
}

// Run implements the command.
func (c *deliveriesRunsCmd) Run(ctx context.Context, o *operator) error {
	runs, err := o.Runs(ctx, c.ID)
	if err != nil {
		return err
	}
	return runLayout.printAll(o, runs)
}

type deliveriesHistoryCmd struct {
	ID    string `arg:"" help:"Id of the delivery."`
	RunID string `name:"run" placeholder:"ID" help:"Id of the run (default: the newest run)."`
}

// Run implements the command.
func (c *deliveriesHistoryCmd) Run(ctx context.Context, o *operator) error {
	history, err := o.History(ctx, c.ID, c.RunID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.s.Out, "%s\n", history)
	return err
}

var deliveryLayout = layout[client.Delivery]{
	columns: []string{"id", "status", "attempts", "event_type", "tenant", "receiver", "created_at", "last_error"},
	fields: func(d client.Delivery) []field {
		return []field{
			{"id", d.ID},
			{"tenant", d.Tenant},
			{"event_id", d.EventID},
			{"event_type", d.EventType},
			{"subscription_id", d.SubscriptionID},
			{"receiver", d.Receiver},
			{"status", string(d.Status)},
			{"attempts", strconv.Itoa(d.Attempts)},
			{"next_attempt_at", clock(d.NextAttemptAt)},
			{"failing_since", clock(d.FailingSince)},
			{"last_error", d.LastError},
			{"reason", d.Reason},
			{"created_at", clock(d.CreatedAt)},
			{"updated_at", clock(d.UpdatedAt)},
			{"workflow", d.Links.Workflow},
		}
	},
}

var attemptLayout = layout[client.Attempt]{
	columns: []string{"number", "started_at", "answer", "total_ms", "said"},
	fields: func(a client.Attempt) []field {
		answer, said := cmp.Or(string(a.ErrorClass), "none"), a.Error
		if a.Response != nil {
			answer, said = strconv.Itoa(a.Response.Status), cmp.Or(strings.Join(strings.Fields(a.Response.Body), " "), a.Error)
		}
		return []field{
			{"number", strconv.Itoa(a.Number)},
			{"started_at", clock(a.StartedAt)},
			{"answer", answer},
			{"total_ms", strconv.FormatFloat(a.Timing.Total, 'f', -1, 64)},
			{"said", said},
		}
	},
}

var runLayout = layout[client.Run]{
	columns: []string{"run_id", "status", "started_at", "closed_at"},
	fields: func(r client.Run) []field {
		return []field{{"run_id", r.ID}, {"status", r.Status}, {"started_at", clock(r.StartedAt)}, {"closed_at", clock(r.ClosedAt)}}
	},
}
