package operator

import (
	"context"

	"github.com/posthaste/posthaste/client"
)

// tenantsCmd acts on all deliveries of a tenant.
type tenantsCmd struct {
	Remote `group:"Server"`

	Cancel tenantsCancelCmd `cmd:"" help:"Stop all deliveries that were accepted for tenants until now."`
}

type tenantsCancelCmd struct {
	Names  []string `arg:"" name:"name" help:"Names of the tenants."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the deliveries and the audit."`
}

// Run implements the command.
func (c *tenantsCancelCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.Names, func(name string) (*client.Cancellation, error) { return o.CancelTenant(ctx, name, c.Reason) }, sayCancelled)
}
