package workflows

import (
	"cmp"
	"time"

	"github.com/posthaste/posthaste/models"
)

// DeliverEventInput starts DeliverEvent.
type DeliverEventInput struct {
	EventID   string `json:"event_id"`
	Tenant    string `json:"tenant"`
	EventType string `json:"event_type"`
	// Inline has the workflow make the first attempts itself at subscribers that are known to answer fast.
	Inline bool `json:"inline,omitempty"`
}

// DeliverEventResult counts the deliveries that were started.
type DeliverEventResult struct {
	Deliveries int `json:"deliveries"`
}

// DeliverBatchInput starts DeliverBatch for the deliveries at the positions From up to, not including, To.
type DeliverBatchInput struct {
	DeliverEventInput
	From int `json:"from"`
	To   int `json:"to"`
}

// DeliverToSubscriberInput starts DeliverToSubscriber.
type DeliverToSubscriberInput struct {
	DeliveryID     string `json:"delivery_id"`
	EventID        string `json:"event_id"`
	SubscriptionID string `json:"subscription_id"`
	Tenant         string `json:"tenant"`
	EventType      string `json:"event_type"`
	Host           string `json:"host,omitempty"` // of the subscription's URL, for the eye only
	// Local makes the first attempt within the workflow task, for a subscriber that is known to answer fast.
	Local bool `json:"local,omitempty"`
	// Attempted says that the event's workflow has made the first attempt: the next one waits for its time.
	Attempted bool `json:"attempted,omitempty"`
	// Redelivery says that the run was started to redeliver a delivery whose last run has closed; the signal that says
	// who asked is with it.
	Redelivery bool `json:"redelivery,omitempty"`
	// Tells says that the run tells deliveries which are being retried from those whose first attempt is due. It is part of
	// the input so that runs which began without it go on as they began.
	Tells bool `json:"tells,omitempty"`
	// FailingSince is when the attempt of the event's workflow failed; zero when it made none. Then the run begins with the
	// search attributes of one that is being retried.
	FailingSince time.Time `json:"failing_since,omitzero"`
}

// receiver is where the delivery goes, as far as that is known.
func (in DeliverToSubscriberInput) receiver() string { return cmp.Or(in.Host, in.SubscriptionID) }

// DeliverToSubscriberResult says which attempt delivered.
type DeliverToSubscriberResult struct {
	Attempt int `json:"attempt"`
}

// CancelSignal is the argument of SignalCancel. All fields may be empty.
type CancelSignal struct {
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
	// Before passes over a delivery that was redelivered in this epoch of the tenant, or a later one: the cancellation of
	// which this is a part was asked for before that. 0, as by hand: it is cancelled in any case.
	Before int64 `json:"before,omitempty"`
}

func (s CancelSignal) why() models.Why { return why(s.By, s.Reason) }

// RedeliverSignal is the argument of SignalRedeliver. It may be empty.
type RedeliverSignal struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// After is how many attempts had been made when this was asked. A delivery that a later attempt delivered is
	// redelivered already. Sent by hand it is 0: what is delivered while the signal waits is not sent again.
	After int `json:"after,omitempty"`
	// Origin makes asking a second time the same wish, see models.AuditEntry. Empty: each signal is one of its own.
	Origin string `json:"origin,omitempty"`
	// Epoch is the tenant's when this was asked: a cancellation of everything that came later stops it. 0, as by hand: the
	// one in which the signal is acted on.
	Epoch int64 `json:"epoch,omitempty"`
}

func (s RedeliverSignal) why() models.Why { return why(s.By, s.Reason) }

// why cuts what people sent by hand to what can be stored. Those who do not say who they are did it in Temporal.
func why(by, reason string) models.Why {
	return models.Why{By: models.Clip(cmp.Or(by, "temporal"), models.MaxActor), Reason: models.Clip(reason, models.MaxReason)}
}

// State answers QueryState.
type State struct {
	DeliveryID   string                `json:"delivery_id"`
	Status       models.DeliveryStatus `json:"status"`
	Redeliveries int                   `json:"redeliveries"` // asked for by hand, in this run
	Attempt      int                   `json:"attempt,omitempty"`
	Reason       string                `json:"reason,omitempty"`
}

// SteerDeliveriesInput starts SteerDeliveries.
type SteerDeliveriesInput struct {
	models.Job
	Progress models.Progress `json:"progress,omitzero"` // of the runs before this one
}

// SteerDeliveriesResult counts what was done. It answers QueryState, too.
type SteerDeliveriesResult struct {
	models.Progress
}
