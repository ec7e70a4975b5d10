package models

import "time"

// OverdueAfter is how late an attempt is when its delivery counts as overdue, and is looked after.
const OverdueAfter = 5 * time.Minute

// FailingLongAfter is how long a subscription has failed when it counts as failing for long.
const FailingLongAfter = time.Hour

// Totals counts, over all tenants, the deliveries that are not settled and the subscriptions that fail. The store stops counting at
// a limit, so a number may mean "at least".
type Totals struct {
	Pending   int // deliveries that wait for an attempt
	Held      int // deliveries that wait until their subscription is resumed
	Exhausted int // dead letters
	Overdue   int // pending deliveries whose attempt is late by OverdueAfter

	Failing     int // subscriptions of which a delivery is being retried
	FailingLong int // those of them that have failed for FailingLongAfter
}
