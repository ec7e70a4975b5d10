package models

import (
	"cmp"
	"time"
)

// Retention says for how long data are kept after the last change of them. The zero value keeps everything.
type Retention struct {
	Events   time.Duration // events with their deliveries, attempts and idempotency keys, and finished recoveries; 0: for ever
	Payloads time.Duration // what was published, sent and answered; 0: as long as the event
	Audit    time.Duration // entries of the audit; 0: for ever
}

// minRetention is the least time for which anything is kept, so that somebody who mistook the unit has time to notice.
const minRetention = time.Hour

// Expiry names data that end together.
type Expiry string

// The expiries.
const (
	ExpireEvents     Expiry = "events"   // with all that belongs to them
	ExpirePayloads   Expiry = "payloads" // data of events, headers and answers of attempts
	ExpireLate       Expiry = "late"     // events, or their payloads, that were still needed when their time came
	ExpireRecoveries Expiry = "recoveries"
	ExpireAudit      Expiry = "audit"
)

// Expiries lists all of them.
func Expiries() []Expiry {
	return []Expiry{ExpireEvents, ExpirePayloads, ExpireLate, ExpireRecoveries, ExpireAudit}
}

// Of returns for how long the data of an expiry are kept; 0: they do not end by themselves.
func (r Retention) Of(e Expiry) time.Duration {
	switch e {
	case ExpireEvents, ExpireRecoveries:
		return r.Events
	case ExpirePayloads:
		if r.Events > 0 && r.Payloads >= r.Events { // they go with their events
			return 0
		}
		return r.Payloads
	case ExpireLate:
		return cmp.Or(r.Of(ExpirePayloads), r.Events)
	case ExpireAudit:
		return r.Audit
	}
	return 0
}

// For returns the retention of the tenant's data, if r is the installation's.
func (r Retention) For(t *Tenant) Retention {
	if t.Retention != nil {
		r.Events = *t.Retention
	}
	if t.PayloadRetention != nil {
		r.Payloads = *t.PayloadRetention
	}
	return r
}

// Ending is a pass in which data are removed.
type Ending struct {
	Expiry Expiry
	Tenant string    // whose data; empty: those of all tenants, except what ends when its tenant says
	Keep   Retention // of the installation
	At     time.Time // the present
}

// Removed counts what has been removed, or would be.
type Removed struct {
	Events     int
	Payloads   int // of events that stay
	Deliveries int
	Attempts   int
	Recoveries int
	Entries    int   // of the audit
	Bytes      int64 // about, with indexes
}

// Add adds other counts.
func (r *Removed) Add(other Removed) {
	r.Events += other.Events
	r.Payloads += other.Payloads
	r.Deliveries += other.Deliveries
	r.Attempts += other.Attempts
	r.Recoveries += other.Recoveries
	r.Entries += other.Entries
	r.Bytes += other.Bytes
}

// Rows is the number of rows that are removed, and of events that lose their payload.
func (r Removed) Rows() int {
	return r.Events + r.Deliveries + r.Attempts + r.Recoveries + r.Entries + r.Payloads
}

// RetentionState says how far the removal of an expiry has come.
type RetentionState struct {
	Expiry     Expiry
	Tenant     string    // as in Ending
	Horizon    time.Time // data from before it have ended, or may end at any time; zero: none has
	Reached    string    // id of the last row that a pass has looked at; empty: it begins with the first
	Walking    bool      // a pass is under way, or was interrupted
	FinishedAt time.Time // of the last pass; zero: there was none. A pass of one tenant begins when there is something to remove
	Rows       int64     // removed so far
	Bytes      int64
}
