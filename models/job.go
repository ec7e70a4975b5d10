package models

import "cmp"

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

// Bounds of how many deliveries a second a bulk action releases.
const (
	DefaultRate = 50
	MaxRate     = 1000
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

// Subject is the id of what the job is for; of a tenant, "tenant/" and its name.
func (j Job) Subject() string {
	switch {
	case j.RecoveryID != "":
		return j.RecoveryID
	case j.Selection.EventID != "":
		return j.Selection.EventID
	case j.Selection.Tenant != "":
		return "tenant/" + j.Selection.Tenant
	default:
		return j.Selection.SubscriptionID
	}
}

// ValidateRate checks how many deliveries a second a bulk action releases.
func ValidateRate(rate int) error {
	if rate < 1 || rate > MaxRate {
		return Invalid("rate", "is %d; it must be 1 to %d deliveries a second", rate, MaxRate)
	}
	return nil
}
