package workflows

import "go.temporal.io/sdk/temporal"

// These names stand in histories and in the Web UI.
const (
	DeliverEventName        = "DeliverEvent"
	DeliverEventsName       = "DeliverEvents"
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
	return []string{DeliverEventName, DeliverEventsName, DeliverBatchName, DeliverToSubscriberName, SteerDeliveriesName}
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
