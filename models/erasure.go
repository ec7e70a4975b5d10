package models

import "time"

// Erasure removes all that is kept of a tenant, or of one event. What is published after it was asked for stays.
type Erasure struct {
	ID      string
	Tenant  string
	EventID string // empty: all of the tenant
	// Epoch is the tenant's epoch since: what is of an earlier one is erased.
	Epoch int64
	Why
	CreatedAt  time.Time
	FinishedAt time.Time // zero: it is under way

	Events     int // rows removed so far
	Deliveries int
	Attempts   int
	Workflows  int // executions in Temporal
}

// Owner is the tenant.
func (e *Erasure) Owner() string { return e.Tenant }
