package main

import (
	"context"

	"github.com/posthaste/posthaste/client"
)

// auditCmd shows the actions of operators.
type auditCmd struct {
	Remote `group:"Server"`

	List auditListCmd `cmd:"" default:"withargs" help:"List what operators did, newest first."`
}

type auditListCmd struct {
	Limited

	Tenant  string `name:"tenant" placeholder:"NAME" help:"Of this tenant only."`
	Action  string `name:"action" placeholder:"ACTION" help:"Of this action only, such as delivery.cancel."`
	Subject string `name:"subject" placeholder:"ID" help:"Done to this subscription, event, delivery, recovery or source only."`
	By      string `name:"by" placeholder:"NAME" help:"Done by this actor only."`
	Since   when   `name:"since" placeholder:"WHEN" help:"Done at or after: a time, a date, or how long ago: 2h, 3d, 2w."`
	Until   when   `name:"until" placeholder:"WHEN" help:"Done before."`
}

// Run implements the command.
func (c *auditListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Audit(ctx, client.AuditFilter{
		Tenant: c.Tenant, Action: c.Action, Subject: c.Subject, By: c.By,
		Since: c.Since.Time, Until: c.Until.Time, PageSize: c.pageSize(),
	}), auditLayout)
}

var auditLayout = layout[client.AuditEntry]{
	columns: []string{"at", "by", "action", "subject", "reason"},
	fields: func(e client.AuditEntry) []field {
		return []field{{"at", clock(e.At)}, {"by", e.By}, {"action", e.Action}, {"subject", e.Subject}, {"reason", e.Reason}}
	},
}
