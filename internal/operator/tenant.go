package operator

import (
	"context"
	"strconv"
	"strings"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// tenantsCmd shows tenants, changes their settings, and acts on all deliveries of a tenant.
type tenantsCmd struct {
	Remote `group:"Server"`

	List   tenantsListCmd   `cmd:"" help:"List tenants by name, with how much there is of them."`
	Get    tenantsGetCmd    `cmd:"" help:"Show a tenant with its settings."`
	Set    tenantsSetCmd    `cmd:"" help:"Change the settings of a tenant."`
	Erase  tenantsEraseCmd  `cmd:"" help:"Remove for good all that is kept of a tenant."`
	Cancel tenantsCancelCmd `cmd:"" help:"Stop all deliveries that were accepted for tenants until now."`
}

type tenantsListCmd struct{ Limited }

// Run implements the command.
func (c *tenantsListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Tenants(ctx, c.pageSize()), tenantLayout)
}

type tenantsGetCmd struct {
	Name string `arg:"" help:"Name of the tenant."`
}

// Run implements the command.
func (c *tenantsGetCmd) Run(ctx context.Context, o *operator) error {
	tenant, err := o.Tenant(ctx, c.Name)
	if err != nil {
		return err
	}
	return tenantLayout.print(o, *tenant)
}

type tenantsSetCmd struct {
	Name             string        `arg:"" help:"Name of the tenant."`
	DeliveryMode     *string       `name:"delivery-mode" enum:"default,auto,child,inline,grouped" placeholder:"MODE" help:"Delivery mode: auto, child, inline or grouped; default for the deployment's."`
	MaxSubscriptions *int          `name:"max-subscriptions" placeholder:"N" help:"Most subscriptions that it may have; 0 for any number."`
	PublishRate      *int          `name:"publish-rate" placeholder:"N" help:"Most events a second that each process of the API accepts; 0 for any number."`
	Retention        retentionFlag `name:"retention" placeholder:"TIME" help:"Time for which its events are kept, as --retention of a server says: 90d, or 0s for ever; default for the installation's."`
	PayloadRetention retentionFlag `name:"payload-retention" placeholder:"TIME" help:"Time for which its payloads are kept, as --payload-retention of a server says; default for the installation's."`
}

// Run implements the command. The call replaces all settings but the retentions, so those without a flag are sent as they are.
func (c *tenantsSetCmd) Run(ctx context.Context, o *operator) error {
	tenant, err := o.Tenant(ctx, c.Name)
	if err != nil {
		return err
	}
	fields := tenant.TenantFields
	if c.DeliveryMode != nil {
		fields.DeliveryMode = strings.TrimPrefix(*c.DeliveryMode, "default")
	}
	if c.MaxSubscriptions != nil {
		fields.MaxSubscriptions = *c.MaxSubscriptions
	}
	if c.PublishRate != nil {
		fields.PublishRate = *c.PublishRate
	}
	fields.Retention, fields.PayloadRetention = c.Retention.keep, c.PayloadRetention.keep
	if tenant, err = o.SetTenant(ctx, c.Name, fields, c.defaults()...); err != nil {
		return err
	}
	return tenantLayout.print(o, *tenant)
}

// defaults names the retentions that become the installation's.
func (c *tenantsSetCmd) defaults() (fields []string) {
	if c.Retention.reset {
		fields = append(fields, "retention")
	}
	if c.PayloadRetention.reset {
		fields = append(fields, "payload_retention")
	}
	return fields
}

// retentionFlag is a retention, or "default" for the installation's.
type retentionFlag struct {
	reset bool
	keep  *client.Duration // nil: unless reset, as it is
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *retentionFlag) UnmarshalText(text []byte) error {
	if f.reset = string(text) == "default"; f.reset {
		f.keep = nil
		return nil
	}
	keep, err := terminal.ParseDuration(string(text))
	f.keep = (*client.Duration)(&keep)
	return err
}

var tenantLayout = layout[client.Tenant]{
	columns: []string{"tenant", "subscriptions", "events", "outstanding", "delivery_mode", "max_subscriptions", "publish_rate"},
	fields: func(t client.Tenant) []field {
		return []field{
			{"tenant", t.Name},
			{"subscriptions", counted(t.Subscriptions)},
			{"events", counted(t.Events)},
			{"outstanding", counted(t.Outstanding)},
			{"delivery_mode", t.DeliveryMode},
			{"max_subscriptions", limited(t.MaxSubscriptions)},
			{"publish_rate", limited(t.PublishRate)},
			{"retention", kept(t.Retention)},
			{"payload_retention", kept(t.PayloadRetention)},
			{"updated_at", clock(t.UpdatedAt)},
		}
	},
}

func counted(c client.Count) string {
	if c.More {
		return strconv.Itoa(c.Count) + "+"
	}
	return strconv.Itoa(c.Count)
}

// limited shows a limit; "" where there is none.
func limited(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// kept shows a retention; "" for the installation's.
func kept(d *client.Duration) string {
	if d == nil {
		return ""
	}
	text, _ := d.MarshalText() // never fails
	return string(text)
}

type tenantsEraseCmd struct {
	Name string `arg:"" help:"Name of the tenant."`
	Yes  bool   `name:"yes" required:"" help:"Confirm that subscriptions, sources, keys, events, deliveries, attempts, audit and workflows of the tenant are to be removed for good."`
}

// Run implements the command.
func (c *tenantsEraseCmd) Run(ctx context.Context, o *operator) error {
	erasure, err := o.EraseTenant(ctx, c.Name)
	if err != nil {
		return err
	}
	return erasureLayout.print(o, *erasure)
}

var erasureLayout = layout[client.Erasure]{
	columns: []string{"id", "tenant", "event_id", "finished_at"},
	fields: func(e client.Erasure) []field {
		return []field{
			{"id", e.ID},
			{"tenant", e.Tenant},
			{"event_id", e.EventID},
			{"by", e.By},
			{"created_at", clock(e.CreatedAt)},
			{"finished_at", clock(e.FinishedAt)},
			{"events", strconv.Itoa(e.Events)},
			{"deliveries", strconv.Itoa(e.Deliveries)},
			{"attempts", strconv.Itoa(e.Attempts)},
			{"workflows", strconv.Itoa(e.Workflows)},
		}
	},
}

type tenantsCancelCmd struct {
	Names  []string `arg:"" name:"name" help:"Names of the tenants."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the deliveries and the audit."`
}

// Run implements the command.
func (c *tenantsCancelCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.Names, func(name string) (*client.Cancellation, error) { return o.CancelTenant(ctx, name, c.Reason) }, sayCancelled)
}
