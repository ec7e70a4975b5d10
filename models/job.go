package models

import (
	"cmp"
	"time"
)

// JobAction names the action of a job on each delivery it selects.
type JobAction string

// The actions of jobs.
const (
	JobCancel    JobAction = "cancel"    // stop the delivery
	JobRedeliver JobAction = "redeliver" // a further attempt of the delivery
	JobResume    JobAction = "resume"    // let the held delivery go
	JobHold      JobAction = "hold"      // let the workflow of the held delivery know that it is held
	JobDeliver   JobAction = "deliver"   // make the delivery that the event lacks, and start it
)

// Job is one action on many deliveries, oldest first, at a bounded rate. A workflow carries it.
type Job struct {
	Action JobAction `json:"action"`
	Tenant string    `json:"tenant"`
	// Selection names the deliveries; for JobDeliver the subscription, and when the events were created.
	Selection  Selection `json:"selection"`
	Rate       int       `json:"rate"`                  // deliveries a second
	RecoveryID string    `json:"recovery_id,omitempty"` // the recovery whose row keeps the progress; empty: none
	// Epoch is the tenant's epoch in which a redelivery was asked for: a Stop that came later stops it, too. 0: it is not
	// known, as it is of jobs that an earlier version started.
	Epoch int64 `json:"epoch,omitempty"`
	Why
}

// ResumeJob lets the held deliveries of a subscription go.
func ResumeJob(s *Subscription, why Why) Job {
	return Job{
		Action: JobResume, Tenant: s.Tenant, Rate: cmp.Or(s.ResumeRate, DefaultRate), Why: why,
		Selection: Selection{SubscriptionID: s.ID, Statuses: []DeliveryStatus{DeliveryHeld}},
	}
}

// HoldJob lets the workflows of a paused subscription's held deliveries know, so that the Web UI shows them as held.
func HoldJob(s *Subscription, why Why) Job {
	job := ResumeJob(s, why)
	job.Action = JobHold
	return job
}

// Job carries the recovery out.
func (r *Recovery) Job() Job {
	job := Job{
		Action: JobRedeliver, Tenant: r.Tenant, Rate: r.Rate, RecoveryID: r.ID, Why: r.Why, Epoch: r.Epoch,
		Selection: Selection{SubscriptionID: r.SubscriptionID, Since: r.Since, Until: r.Until},
	}
	if r.Of == RecoverMissing {
		job.Action = JobDeliver
	} else {
		job.Selection.Statuses = []DeliveryStatus{DeliveryStatus(r.Of)}
	}
	return job
}

// Run is one run of a delivery's workflow. A redelivery of a closed delivery is a further run.
type Run struct {
	ID        string
	Status    string // as Temporal names it: Running, Completed, Failed, Canceled …
	StartedAt time.Time
	ClosedAt  time.Time // zero while it runs
}

// WorkflowRun is a run of any workflow of ours.
type WorkflowRun struct {
	WorkflowID string // such as delivery/dlv_…
	Type       string // such as DeliverToSubscriber
	Run
}

// WorkflowFilter selects runs for a list: those that began at or after Since, Limit of them from the place After.
type WorkflowFilter struct {
	Since time.Time
	After []byte // the token of the page before; nil: from the start
	Limit int
}
