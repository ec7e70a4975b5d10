package workflows

import (
	"strconv"
	"strings"

	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/models"
)

// These names stand in histories and in the Web UI.
const (
	DeliverEventName        = "DeliverEvent"
	DeliverBatchName        = "DeliverBatch"
	DeliverToSubscriberName = "DeliverToSubscriber"
	SteerDeliveriesName     = "SteerDeliveries"

	SignalCancel    = "cancel"
	SignalRedeliver = "redeliver"
	SignalResume    = "resume"
	QueryState      = "state"
)

// Types lists the names of all our workflows.
func Types() []string {
	return []string{DeliverEventName, DeliverBatchName, DeliverToSubscriberName, SteerDeliveriesName}
}

// TaskQueue is the queue of all workflows and activities, Namespace the namespace they run in unless configured otherwise.
const (
	TaskQueue = "posthaste"
	Namespace = "posthaste"
)

// These are the search attributes, all of them keywords. DeliveryStatus is set only where it differs from the close status,
// and FailingSince only once an attempt has failed; it is a time as text, which sorts.
var (
	attributeTenant         = temporal.NewSearchAttributeKeyKeyword("Tenant")
	attributeEventType      = temporal.NewSearchAttributeKeyKeyword("EventType")
	attributeEventID        = temporal.NewSearchAttributeKeyKeyword("EventID")
	attributeSubscriptionID = temporal.NewSearchAttributeKeyKeyword("SubscriptionID")
	attributeReceiver       = temporal.NewSearchAttributeKeyKeyword("Receiver")
	attributeFailingSince   = temporal.NewSearchAttributeKeyKeyword("FailingSince")
	attributeDeliveryStatus = temporal.NewSearchAttributeKeyKeyword("DeliveryStatus")
)

// SearchAttributes lists the names of the keyword search attributes that the namespace must have.
func SearchAttributes() []string {
	return []string{
		attributeTenant.GetName(), attributeEventType.GetName(), attributeEventID.GetName(),
		attributeSubscriptionID.GetName(), attributeDeliveryStatus.GetName(),
		attributeReceiver.GetName(), attributeFailingSince.GetName(),
	}
}

const (
	eventPrefix    = "event/"
	deliveryPrefix = "delivery/"
)

// EventWorkflowID is the id of the workflow that fans the event out.
func EventWorkflowID(eventID string) string { return eventPrefix + eventID }

// EventID is the inverse of EventWorkflowID; ok is false for any other id.
func EventID(workflowID string) (id string, ok bool) {
	id, ok = strings.CutPrefix(workflowID, eventPrefix)
	return id, ok && !strings.Contains(id, "/")
}

// DeliveryWorkflowID is the id of the workflow that makes the delivery's attempts.
func DeliveryWorkflowID(deliveryID string) string { return deliveryPrefix + deliveryID }

// DeliveryID is the inverse of DeliveryWorkflowID; ok is false for any other id.
func DeliveryID(workflowID string) (id string, ok bool) {
	return strings.CutPrefix(workflowID, deliveryPrefix)
}

// BatchWorkflowID is the id of the workflow that fans out the deliveries at the positions from up to, not including, to.
func BatchWorkflowID(eventID string, from, to int) string {
	return EventWorkflowID(eventID) + "/" + strconv.Itoa(from) + "-" + strconv.Itoa(to)
}

// JobWorkflowID is the id of the workflow that carries out the job.
func JobWorkflowID(job models.Job) string { return job.Name() }
