package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/posthaste/posthaste/client"
)

// publishCmd publishes one event.
type publishCmd struct {
	Remote `group:"Server"`

	Type           string            `arg:"" help:"Type of the event, such as order.paid."`
	Data           string            `arg:"" optional:"" default:"null" help:"JSON of what happened: itself, @FILE, or - for standard input (default null)."`
	Tenant         string            `name:"tenant" placeholder:"NAME" help:"Whose event it is (default: default)."`
	IdempotencyKey string            `name:"idempotency-key" placeholder:"KEY" help:"Makes it safe to publish again: the same key is the same event."`
	Metadata       map[string]string `name:"metadata" mapsep:"none" placeholder:"KEY=VALUE" help:"A note to keep with the event; as often as needed."`
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
		{"workflow", p.Links["workflow"]},
	}
}}
