package operator

import (
	"context"
	"strconv"
	"time"

	"github.com/posthaste/posthaste/client"
)

type subscriptionsStatsCmd struct {
	Text   string                    `arg:"" optional:"" help:"Only those with this in their name, or in the host of their URL."`
	Limit  int                       `name:"limit" default:"50" placeholder:"N" help:"Maximum number of rows (default ${default}); 0 for all."`
	Tenant string                    `name:"tenant" placeholder:"NAME" help:"Only for this tenant."`
	Status client.SubscriptionStatus `name:"status" enum:",active,paused,disabled" default:"" placeholder:"STATUS" help:"Only in this status: active, paused or disabled."`
	Since  when                      `name:"since" placeholder:"TIME" help:"Figures since then (default: of the last 24 hours)."`
	Sort   string                    `name:"sort" enum:"worst,attempts,p95,name" default:"worst" placeholder:"ORDER" help:"Order: worst (the smallest part of successful attempts first), attempts, p95 or name (default ${default})."`
}

// Run implements the command.
func (c *subscriptionsStatsCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.SubscriptionStats(ctx, client.SubscriptionStatsFilter{
		Text: c.Text, Tenant: c.Tenant, Status: c.Status, Since: c.Since.Time, Sort: c.Sort, PageSize: Limited{c.Limit}.pageSize(),
	}), subscriptionStatsLayout)
}

var subscriptionStatsLayout = layout[client.SubscriptionStats]{
	columns: []string{"id", "tenant", "status", "success", "attempts", "p50", "p95", "pending", "held", "dead_letters", "last_success_at", "receiver", "last_error"},
	fields: func(s client.SubscriptionStats) []field {
		return []field{
			{"id", s.ID},
			{"tenant", s.Tenant},
			{"status", string(s.Status)},
			{"success", percent(s.Succeeded, s.Attempts)},
			{"attempts", strconv.FormatInt(s.Attempts, 10)},
			{"p50", took(s.P50)},
			{"p95", took(s.P95)},
			{"pending", counted(s.Pending)},
			{"held", counted(s.Held)},
			{"dead_letters", counted(s.DeadLetters)},
			{"last_success_at", clock(s.LastSuccessAt)},
			{"receiver", s.Receiver},
			{"last_error", s.LastError},
		}
	},
}

// percent is a part in words, rounded down, so that 100% means all; "" of nothing.
func percent(part, all int64) string {
	if all == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(part*1000/all)/10, 'f', -1, 64) + "%"
}

// took is a duration that is given in milliseconds; "" for none.
func took(milliseconds float64) string {
	if milliseconds == 0 {
		return ""
	}
	return time.Duration(milliseconds * float64(time.Millisecond)).Round(time.Millisecond).String()
}
