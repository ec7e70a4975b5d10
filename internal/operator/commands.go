package operator

// Commands is the grammar of the operators' commands, for a kong grammar that embeds it.
type Commands struct {
	Publish       publishCmd       `cmd:"" group:"Operate" help:"Publish an event."`
	Search        searchCmd        `cmd:"" group:"Operate" help:"Find events, deliveries, subscriptions and the rest by an id, a key, a name …"`
	Subscriptions subscriptionsCmd `cmd:"" group:"Operate" help:"Manage subscriptions: create, pause, resume, rotate secrets …"`
	Events        eventsCmd        `cmd:"" group:"Operate" help:"Manage events: list, cancel, redeliver."`
	Deliveries    deliveriesCmd    `cmd:"" group:"Operate" help:"Manage deliveries: list, cancel, redeliver, follow live …"`
	Tenants       tenantsCmd       `cmd:"" group:"Operate" help:"Manage tenants: list, set their limits and modes, cancel all waiting deliveries."`
	Recover       recoverCmd       `cmd:"" group:"Operate" help:"Redeliver the events that a subscription missed."`
	Sources       sourcesCmd       `cmd:"" group:"Operate" help:"Manage sources, which receive the webhooks of other systems."`
	Providers     providersCmd     `cmd:"" group:"Operate" help:"List the providers whose webhooks a source can receive, and their settings."`
	Keys          keysCmd          `cmd:"" group:"Operate" help:"Manage API keys: create, list, revoke."`
	Audit         auditCmd         `cmd:"" group:"Operate" help:"List the actions of operators."`
	Replay        replayCmd        `cmd:"" group:"Operate" help:"Replay workflow histories with this version before an upgrade."`
}
