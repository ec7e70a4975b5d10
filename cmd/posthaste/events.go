package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/posthaste/posthaste/client"
)

// eventsCmd looks after events.
type eventsCmd struct {
	Remote `group:"Server"`

	List      eventsListCmd      `cmd:"" help:"List events, newest first."`
	Get       eventsGetCmd       `cmd:"" help:"Show an event with its data and deliveries."`
	Cancel    eventsCancelCmd    `cmd:"" help:"Stop all deliveries of events that were not delivered."`
	Redeliver eventsRedeliverCmd `cmd:"" help:"Make a further attempt of all deliveries of events."`
}

type eventsListCmd struct {
	Limited

	Tenant string `name:"tenant" placeholder:"NAME" help:"Of this tenant only."`
	Type   string `name:"type" placeholder:"TYPE" help:"Of exactly this type only."`
	Since  when   `name:"since" placeholder:"WHEN" help:"Published at or after: a time, or 2h for two hours ago."`
	Until  when   `name:"until" placeholder:"WHEN" help:"Published before."`
}

// Run implements the command.
func (c *eventsListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Events(ctx, client.EventFilter{
		Tenant: c.Tenant, Type: c.Type, Since: c.Since.Time, Until: c.Until.Time, PageSize: c.pageSize(),
	}), eventLayout)
}

type eventsGetCmd struct {
	ID string `arg:"" help:"The event."`
}

// Run implements the command.
func (c *eventsGetCmd) Run(ctx context.Context, o *operator) error {
	event, err := o.Event(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := eventLayout.print(o, *event); err != nil || o.json || len(event.Deliveries) == 0 {
		return err
	}
	fmt.Fprintln(o.s.out)
	return summaryLayout.table(o.s.out, event.Deliveries)
}

type eventsCancelCmd struct {
	IDs    []string `arg:"" name:"id" help:"The events."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Why; the deliveries and the audit show it."`
}

// Run implements the command.
func (c *eventsCancelCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Bulk, error) { return o.CancelEvent(ctx, id, c.Reason) }, sayCancelled)
}

type eventsRedeliverCmd struct {
	IDs    []string `arg:"" name:"id" help:"The events."`
	Rate   int      `name:"rate" placeholder:"N" help:"Deliveries a second (default: the server's, 50)."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Why; the audit shows it."`
}

// Run implements the command.
func (c *eventsRedeliverCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Bulk, error) { return o.RedeliverEvent(ctx, id, c.Rate, c.Reason) },
		func(b client.Bulk) string {
			return fmt.Sprintf("%s: %d deliveries are being redelivered", b.EventID, b.Deliveries)
		})
}

func sayCancelled(b client.Bulk) string {
	return fmt.Sprintf("%s%s: %d deliveries are being cancelled", b.EventID, b.SubscriptionID, b.Deliveries)
}

var eventLayout = layout[client.StoredEvent]{
	columns: []string{"id", "tenant", "type", "status", "created_at"},
	fields: func(e client.StoredEvent) []field {
		fields := []field{
			{"id", e.ID},
			{"tenant", e.Tenant},
			{"type", e.Type},
			{"status", e.Status},
			{"idempotency_key", e.IdempotencyKey},
			{"created_at", clock(e.CreatedAt)},
			{"workflow", e.Links["workflow"]},
			{"data", string(e.Data)},
		}
		return append(fields, entries("metadata.", e.Metadata)...)
	},
}

var summaryLayout = layout[client.DeliverySummary]{
	columns: []string{"id", "subscription_id", "status", "attempts", "next_attempt_at"},
	fields: func(d client.DeliverySummary) []field {
		return []field{
			{"id", d.ID},
			{"subscription_id", d.SubscriptionID},
			{"status", d.Status},
			{"attempts", strconv.Itoa(d.Attempts)},
			{"next_attempt_at", clock(d.NextAttemptAt)},
		}
	},
}
