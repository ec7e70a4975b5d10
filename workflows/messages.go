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
	// InlineAbove is the same for an event that has more deliveries; 0: for none.
	InlineAbove int `json:"inline_above,omitempty"`
}

// DeliverEventResult counts the deliveries that were started.
type DeliverEventResult struct {
	Deliveries int `json:"deliveries"`
}

// DeliverEventsInput starts DeliverEvents for events of one tenant, models.MaxGroup at most.
type DeliverEventsInput struct {
	Tenant   string   `json:"tenant"`
	EventIDs []string `json:"event_ids"`
}

// DeliverEventsResult counts the events that the group planned, their deliveries, those of them that have got workflows of
// their own, and the events that have.
type DeliverEventsResult struct {
	Events     int `json:"events"`
	Deliveries int `json:"deliveries"`
	Open       int `json:"open,omitempty"`
	Others     int `json:"others,omitempty"`
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
	Host           string `json:"host,omitempty"` // of the subscription's URL, for display only
	// Local makes the first attempt within the workflow task, for a subscriber that is known to answer fast.
	Local bool `json:"local,omitempty"`
	// Attempted says that the event's workflow has made the first attempt: the next attempt waits for its time.
	Attempted bool `json:"attempted,omitempty"`
	// Redelivery says that the run was started to redeliver a delivery whose last run has closed; a signal with the
	// operator and the reason comes with the start.
	Redelivery bool `json:"redelivery,omitempty"`
	// Tells says that the run shows in the Web UI whether a delivery is being retried or its first attempt is due. It is
	// part of the input so that runs that began without it continue without it.
	Tells bool `json:"tells,omitempty"`
	// FailingSince is the time at which the attempt of the event's workflow failed; zero when it made none. If it is set, the
	// run begins with the search attributes of a delivery that is being retried.
	FailingSince time.Time `json:"failing_since,omitzero"`
}

// receiver names the receiver of the delivery: its host, if that is known, or else the subscription.
func (in DeliverToSubscriberInput) receiver() string { return cmp.Or(in.Host, in.SubscriptionID) }

// DeliverToSubscriberResult says which attempt delivered.
type DeliverToSubscriberResult struct {
	Attempt int `json:"attempt"`
}

// CancelSignal is the argument of SignalCancel. All fields may be empty.
type CancelSignal struct {
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
	Key    string `json:"key,omitempty"` // id of the API key; empty in a signal by hand
	// Before spares a delivery that was redelivered in this epoch of the tenant, or a later one: the stop that the signal
	// belongs to was requested before that. 0, as in a signal by hand: it is cancelled in any case.
	Before int64 `json:"before,omitempty"`
}

func (s CancelSignal) why() models.Why {
	return why(models.Why{By: s.By, Key: s.Key, Reason: s.Reason})
}

// RedeliverSignal is the argument of SignalRedeliver. It may be empty.
type RedeliverSignal struct {
	By     string `json:"by,omitempty"`
	Key    string `json:"key,omitempty"` // as in CancelSignal
	Reason string `json:"reason,omitempty"`
	// After is the number of attempts made before the redelivery was requested. A delivery that a later attempt delivered
	// is redelivered already. In a signal sent by hand it is 0: a delivery that is delivered while the signal waits is not
	// sent again.
	After int `json:"after,omitempty"`
	// Origin makes a second signal a repetition of the first, see models.AuditEntry. Empty: each signal counts by itself.
	Origin string `json:"origin,omitempty"`
	// Epoch is the tenant's epoch when the redelivery was requested: a later stop cancels it. 0, as in a signal by hand: the
	// epoch in which the signal is acted on.
	Epoch int64 `json:"epoch,omitempty"`
}

func (s RedeliverSignal) why() models.Why {
	return why(models.Why{By: s.By, Key: s.Key, Reason: s.Reason})
}

// why shortens the texts of a signal that was sent by hand to the length that can be stored. Without a name, the operator
// is recorded as Temporal.
func why(said models.Why) models.Why {
	return models.Why{
		By:  models.Clip(cmp.Or(said.By, "temporal"), models.MaxActor),
		Key: models.Clip(said.Key, models.MaxActor), Reason: models.Clip(said.Reason, models.MaxReason),
	}
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

// SteerDeliveriesResult counts the deliveries that were acted on. It answers QueryState too.
type SteerDeliveriesResult struct {
	models.Progress
}
