package models

// UnknownEpoch is the epoch of what was stored before there were epochs, or by a program that knows none. Nothing stops it
// but what names it.
const UnknownEpoch = 1<<63 - 1

// Stop is a cancellation of everything that was accepted before it: of a tenant, for one of its subscriptions, or of one of
// its events. No attempt of what it stops begins once it is stored; the job that it is walks what it stopped and closes it.
type Stop struct {
	ID             string
	Tenant         string
	SubscriptionID string // empty: for all of them
	EventID        string // empty: of all of them
	// Epoch is the tenant's epoch since. What is of an earlier one is stopped, whatever any clock says.
	Epoch int64
	Why

	// What there was to stop when it was asked for: deliveries, and events whose deliveries were not planned yet.
	Deliveries, Events int
}

// Job closes what was stopped. Of an event, that includes dead letters.
func (s *Stop) Job() Job {
	selection := Selection{EventID: s.EventID, SubscriptionID: s.SubscriptionID, Statuses: ActStop.From(), Before: s.Epoch}
	if s.EventID != "" {
		selection.Statuses = ActCancel.From()
	}
	if s.EventID == "" && s.SubscriptionID == "" {
		selection.Tenant = s.Tenant
	}
	return Job{Action: JobCancel, Tenant: s.Tenant, Rate: MaxRate, Why: s.Why, Selection: selection}
}
