package operator

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/posthaste/posthaste/client"
)

// publishCmd publishes one event.
type publishCmd struct {
	Remote `group:"Server"`

	Type           string            `arg:"" help:"Type of the event, for example order.paid."`
	Data           string            `arg:"" optional:"" default:"null" help:"Data of the event: JSON, @FILE, or - for standard input (default null)."`
	Tenant         string            `name:"tenant" placeholder:"NAME" help:"Tenant of the event (default: default)."`
	IdempotencyKey string            `name:"idempotency-key" placeholder:"KEY" help:"Idempotency key: publishing again with the same key creates no second event."`
	Metadata       map[string]string `name:"metadata" mapsep:"none" placeholder:"KEY=VALUE" help:"Note to store with the event; may be repeated."`
}

// Run implements the command.
func (c *publishCmd) Run(ctx context.Context, o *operator) error {
	data, err := argument(o.s, c.Data)
	if err != nil {
		return err
	}
	published, err := o.Publish(ctx, client.Event{
		Tenant: c.Tenant, Type: c.Type, Data: json.RawMessage(data), Metadata: c.Metadata, IdempotencyKey: c.IdempotencyKey,
	})
	if err != nil {
		return err
	}
	if err := publishedLayout.print(o, *published); err != nil || o.json {
		return err
	}
	o.watchPlan(ctx, published.ID)
	return nil
}

var publishedLayout = layout[client.Published]{fields: func(p client.Published) []field {
	return []field{
		{"id", p.ID},
		{"tenant", p.Tenant},
		{"type", p.Type},
		{"created_at", clock(p.CreatedAt)},
		{"duplicate", strconv.FormatBool(p.Duplicate)},
		{"workflow", p.Links.Workflow},
	}
}}
