package models

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// The ids of workflows begin like this. They stand in Temporal's histories and in links: never change one.
const (
	eventWorkflow    = "event/"
	deliveryWorkflow = "delivery/"
	groupWorkflow    = "group/"
)

// EventWorkflowID returns the id of the workflow that fans the event out.
func EventWorkflowID(eventID string) string { return eventWorkflow + eventID }

// WorkflowID returns the id of the workflow that has planned the event, or is to plan it unless a group does.
func (e *Event) WorkflowID() string { return cmp.Or(e.PlannedBy, EventWorkflowID(e.ID)) }

// EventOfWorkflow is the inverse of EventWorkflowID; ok is false for any other workflow's id.
func EventOfWorkflow(workflowID string) (eventID string, ok bool) {
	eventID, ok = strings.CutPrefix(workflowID, eventWorkflow)
	return eventID, ok && !strings.Contains(eventID, "/")
}

// NewGroupWorkflowID returns a new id for the workflow of a group of events. It names none of them: a group that is started
// again is another group, and the store decides which of the two plans an event.
func NewGroupWorkflowID() string { return groupWorkflow + NewID("") }

// BatchWorkflowID returns the id of the workflow that fans out the deliveries at the positions from up to, not including,
// to.
func BatchWorkflowID(eventID string, from, to int) string {
	return EventWorkflowID(eventID) + "/" + strconv.Itoa(from) + "-" + strconv.Itoa(to)
}

// DeliveryWorkflowID returns the id of the workflow that makes the delivery's attempts.
func DeliveryWorkflowID(deliveryID string) string { return deliveryWorkflow + deliveryID }

// DeliveryOfWorkflow is the inverse of DeliveryWorkflowID; ok is false for any other workflow's id.
func DeliveryOfWorkflow(workflowID string) (deliveryID string, ok bool) {
	return strings.CutPrefix(workflowID, deliveryWorkflow)
}

// WorkflowID returns the id of the workflow that carries out the job: the action, and its subject. A second job of the same
// id is not started while the first one runs.
func (j Job) WorkflowID() string {
	if j.RecoveryID != "" {
		return RecoveryWorkflowID(j.RecoveryID)
	}
	id := string(j.Action) + "/" + j.Subject()
	if j.Selection.Before > 0 {
		id += "/" + strconv.FormatInt(j.Selection.Before, 10)
	}
	return id
}

// RecoveryWorkflowID returns the id of the workflow that carries out the recovery.
func RecoveryWorkflowID(recoveryID string) string { return "recovery/" + recoveryID }

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
