package operator

import (
	"context"

	"github.com/posthaste/posthaste/client"
)

// auditCmd shows the actions of operators.
type auditCmd struct {
	Remote `group:"Server"`

	List auditListCmd `cmd:"" default:"withargs" help:"List the actions of operators, newest first."`
}

type auditListCmd struct {
	Limited

	Tenant  string `name:"tenant" placeholder:"NAME" help:"Only for this tenant."`
	Action  string `name:"action" placeholder:"ACTION" help:"Only this action, for example delivery.cancel."`
	Subject string `name:"subject" placeholder:"ID" help:"Only for this subscription, event, delivery, recovery, source or key."`
	By      string `name:"by" placeholder:"NAME" help:"Only by this actor."`
	Key     string `name:"key" placeholder:"ID" help:"Only by holders of this API key; root for the key of the configuration."`
	Since   when   `name:"since" placeholder:"WHEN" help:"Done at this time or later: a time, a date, or an age (2h, 3d, 2w)."`
	Until   when   `name:"until" placeholder:"WHEN" help:"Done before this time."`
}

// Run implements the command.
func (c *auditListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Audit(ctx, client.AuditFilter{
		Tenant: c.Tenant, Action: c.Action, Subject: c.Subject, By: c.By, Key: c.Key,
		Since: c.Since.Time, Until: c.Until.Time, PageSize: c.pageSize(),
	}), auditLayout)
}

var auditLayout = layout[client.AuditEntry]{
	columns: []string{"at", "by", "action", "subject", "reason"},
	fields: func(e client.AuditEntry) []field {
		return []field{{"at", clock(e.At)}, {"by", e.By}, {"key", e.Key}, {"action", e.Action}, {"subject", e.Subject}, {"reason", e.Reason}}
	},
}
