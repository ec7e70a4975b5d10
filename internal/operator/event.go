package operator

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// eventsCmd lists and steers events.
type eventsCmd struct {
	Remote `group:"Server"`

	List      eventsListCmd      `cmd:"" help:"List events, newest first."`
	Get       eventsGetCmd       `cmd:"" help:"Show an event with its data and deliveries."`
	Cancel    eventsCancelCmd    `cmd:"" help:"Stop all open deliveries of events, including deliveries that are not planned yet."`
	Erase     eventsEraseCmd     `cmd:"" help:"Remove events for good, with all that belongs to them."`
	Redeliver eventsRedeliverCmd `cmd:"" help:"Make another attempt of all deliveries of events."`
}

type eventsEraseCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the events."`
	Cancel bool     `name:"cancel" help:"Cancel deliveries that are open; without it, events that have some are refused."`
	Yes    bool     `name:"yes" required:"" help:"Confirm that the events are to be removed for good."`
}

// Run implements the command.
func (c *eventsEraseCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Erasure, error) { return o.EraseEvent(ctx, id, c.Cancel) },
		func(e client.Erasure) string { return e.EventID + " is being erased by " + e.ID })
}

type eventsListCmd struct {
	Limited

	Tenant string `name:"tenant" placeholder:"NAME" help:"Only for this tenant."`
	Type   string `name:"type" placeholder:"TYPE" help:"Only events of exactly this type."`

	IdempotencyKey string            `name:"idempotency-key" placeholder:"KEY" help:"Only events with exactly this idempotency key, in one tenant (default: default)."`
	Metadata       map[string]string `name:"metadata" mapsep:"none" placeholder:"KEY=VALUE" help:"Only events with this metadata; may be repeated. Searches all events that the other flags select."`

	Since when `name:"since" placeholder:"WHEN" help:"Published at this time or later: a time, a date, or an age (2h, 3d, 2w)."`
	Until when `name:"until" placeholder:"WHEN" help:"Published before this time."`
}

// Run implements the command.
func (c *eventsListCmd) Run(ctx context.Context, o *operator) error {
	filter := client.EventFilter{
		Tenant: c.Tenant, Type: c.Type, IdempotencyKey: c.IdempotencyKey, Since: c.Since.Time, Until: c.Until.Time,
		PageSize: c.pageSize(),
	}
	if c.IdempotencyKey != "" {
		filter.Tenant = cmp.Or(c.Tenant, defaultTenant)
	}
	if len(c.Metadata) > 0 {
		filter.PageSize = Limited{}.pageSize() // few of the fetched events may match
	}
	return printSome(o, c.Limit, noted(withJSON(o.answers, o.Events(ctx, filter)), c.Metadata), eventLayout)
}

// defaultTenant is the tenant of an event that names none.
const defaultTenant = "default"

// noted filters a list for the events that have all the notes.
func noted(list iter.Seq2[received[client.StoredEvent], error], notes map[string]string) iter.Seq2[received[client.StoredEvent], error] {
	return func(yield func(received[client.StoredEvent], error) bool) {
		for event, err := range list {
			if err == nil && !containsAll(event.thing.Metadata, notes) {
				continue
			}
			if !yield(event, err) {
				return
			}
		}
	}
}

func containsAll(all, some map[string]string) bool {
	for name, value := range some {
		if found, ok := all[name]; !ok || found != value {
			return false
		}
	}
	return true
}

type eventsGetCmd struct {
	ID string `arg:"" help:"Id of the event."`
}

// Run implements the command.
func (c *eventsGetCmd) Run(ctx context.Context, o *operator) error {
	event, err := o.Event(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := eventLayout.print(o, *event); err != nil || o.json {
		return err
	}
	if len(event.Deliveries) == 0 {
		o.tellUnmatched(ctx, event)
		return nil
	}
	fmt.Fprintln(o.s.Out)
	return summaryLayout.table(o.s.Out, event.Deliveries)
}

type eventsCancelCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the events."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the deliveries and the audit."`
}

// Run implements the command.
func (c *eventsCancelCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Cancellation, error) { return o.CancelEvent(ctx, id, c.Reason) }, sayCancelled)
}

type eventsRedeliverCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the events."`
	Rate   int      `name:"rate" placeholder:"N" help:"Deliveries a second (default: the server's, 50)."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the audit."`
}

// Run implements the command.
func (c *eventsRedeliverCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Bulk, error) { return o.RedeliverEvent(ctx, id, c.Rate, c.Reason) },
		func(b client.Bulk) string {
			return fmt.Sprintf("%s: redelivery requested of %s", b.EventID, terminal.Plural(b.Deliveries, "delivery", "deliveries"))
		})
}

func sayCancelled(b client.Cancellation) string {
	said := fmt.Sprintf("%s%s%s: cancellation requested of %s", b.EventID, b.SubscriptionID, b.Tenant, terminal.Plural(b.Deliveries, "delivery", "deliveries"))
	if b.Events > 0 {
		said += fmt.Sprintf(", and %s that had none yet stopped", terminal.Plural(b.Events, "event", "events"))
	}
	return said
}

var eventLayout = layout[client.StoredEvent]{
	columns: []string{"id", "tenant", "type", "status", "matched", "created_at", "idempotency_key"},
	fields: func(e client.StoredEvent) []field {
		fields := []field{
			{"id", e.ID},
			{"tenant", e.Tenant},
			{"type", e.Type},
			{"status", string(e.Status)},
			{"matched", matched(e)},
			{"idempotency_key", e.IdempotencyKey},
			{"created_at", clock(e.CreatedAt)},
			{"planned_by", e.PlannedBy},
			{"traceparent", e.Traceparent},
			{"workflow", e.Links.Workflow},
			{"data", string(e.Data)},
		}
		return append(append(fields, entries("metadata.", e.Metadata)...), requestFields(e.Request)...)
	},
}

// matched returns the number of an event's deliveries; "" until it is known.
func matched(e client.StoredEvent) string {
	if e.Matched == nil {
		return ""
	}
	return strconv.Itoa(*e.Matched)
}

// requestFields returns the fields of the request by which a webhook came.
func requestFields(r *client.ReceivedRequest) []field {
	if r == nil {
		return nil
	}
	fields := []field{{"request.method", r.Method}, {"request.query", r.Query}}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		fields = append(fields, field{"request.headers." + name, strings.Join(r.Headers[name], ", ")})
	}
	return fields
}

var summaryLayout = layout[client.DeliverySummary]{
	columns: []string{"id", "subscription_id", "status", "attempts", "next_attempt_at"},
	fields: func(d client.DeliverySummary) []field {
		return []field{
			{"id", d.ID},
			{"subscription_id", d.SubscriptionID},
			{"status", string(d.Status)},
			{"attempts", strconv.Itoa(d.Attempts)},
			{"next_attempt_at", clock(d.NextAttemptAt)},
		}
	},
}
