package operator

import (
	"context"

	"github.com/posthaste/posthaste/client"
)

// searchCmd finds things of which somebody knows a part.
type searchCmd struct {
	Remote `group:"Server"`

	Text   string `arg:"" help:"An id, an idempotency key, an event type, a subscription's name or the host of its URL, or how these begin; or a whole value of an event's metadata."`
	Tenant string `name:"tenant" placeholder:"NAME" help:"Only of this tenant."`
}

// Run implements the command.
func (c *searchCmd) Run(ctx context.Context, o *operator) error {
	hits, err := o.Search(ctx, c.Text, c.Tenant)
	if err != nil {
		return err
	}
	return hitLayout.printAll(o, hits)
}

var hitLayout = layout[client.SearchHit]{
	columns: []string{"kind", "id", "tenant", "by", "value"},
	fields: func(h client.SearchHit) []field {
		return []field{{"kind", h.Kind}, {"id", h.ID}, {"tenant", h.Tenant}, {"by", h.By}, {"value", h.Value}}
	},
}
