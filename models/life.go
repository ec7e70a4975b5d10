package models

import (
	"slices"
	"time"
)

// Act is an event in the life of a delivery: an attempt ends, an operator asks for an action, or the program finds that the
// delivery must wait or must not go.
type Act string

// The acts.
const (
	ActSucceed   Act = "succeed"   // an attempt was answered 2xx
	ActFail      Act = "fail"      // an attempt failed, and there will be another one
	ActExhaust   Act = "exhaust"   // an attempt failed, and there is no further one
	ActDismiss   Act = "dismiss"   // an attempt was answered 410 Gone
	ActAbandon   Act = "abandon"   // its event is gone, or its subscription is gone or disabled
	ActStop      Act = "stop"      // a Stop came after the delivery was wanted
	ActCancel    Act = "cancel"    // an operator gives it up
	ActRedeliver Act = "redeliver" // an operator wants a further attempt, now
	ActHold      Act = "hold"      // its subscription is paused
	ActRelease   Act = "release"   // its subscription is no longer paused
)

// Acts lists all of them.
func Acts() []Act {
	return []Act{
		ActSucceed, ActFail, ActExhaust, ActDismiss, ActAbandon, ActStop, ActCancel, ActRedeliver, ActHold, ActRelease,
	}
}

// stays says that an act has no effect on a delivery.
const stays DeliveryStatus = ""

// life says what may follow what: the status after an act, for each status before it, in the order of DeliveryStatuses.
// Some acts also depend on the subscription (Act.suits) or on what happened meanwhile (Delivery.permits).
var life = map[Act][5]DeliveryStatus{
	// from       pending            held               delivered          exhausted          cancelled
	ActSucceed:   {DeliveryDelivered, DeliveryDelivered, DeliveryDelivered, DeliveryDelivered, DeliveryDelivered},
	ActFail:      {DeliveryPending, DeliveryHeld, stays, stays, stays},
	ActExhaust:   {DeliveryExhausted, DeliveryExhausted, stays, stays, stays},
	ActDismiss:   {DeliveryCancelled, DeliveryCancelled, stays, stays, stays},
	ActAbandon:   {DeliveryCancelled, DeliveryCancelled, stays, stays, stays},
	ActStop:      {DeliveryCancelled, DeliveryCancelled, stays, stays, stays},
	ActCancel:    {DeliveryCancelled, DeliveryCancelled, stays, DeliveryCancelled, stays},
	ActRedeliver: {DeliveryPending, DeliveryHeld, DeliveryPending, DeliveryPending, DeliveryPending},
	ActHold:      {DeliveryHeld, stays, stays, stays, stays},
	ActRelease:   {stays, DeliveryPending, stays, stays, stays},
}

// FirstStatus returns the status in which a delivery to a subscription begins; empty: there is to be none, because the
// subscription is disabled or gone.
func FirstStatus(of SubscriptionStatus) DeliveryStatus {
	switch of {
	case SubscriptionActive:
		return DeliveryPending
	case SubscriptionPaused:
		return DeliveryHeld
	default:
		return ""
	}
}

// after returns the status in which the act leaves a delivery; stays: the act has no effect.
func (a Act) after(status DeliveryStatus) DeliveryStatus {
	if i := slices.Index(DeliveryStatuses(), status); i >= 0 {
		return life[a][i]
	}
	return stays
}

// suits reports whether a subscription with the status, empty for one that is gone, lets the act happen to a delivery.
func (a Act) suits(of SubscriptionStatus, status DeliveryStatus) bool {
	switch a {
	case ActHold:
		return of == SubscriptionPaused
	case ActRelease:
		return of == SubscriptionActive
	case ActRedeliver: // an open delivery finds out by itself
		return !status.Closed() || FirstStatus(of) != ""
	default:
		return true
	}
}

// From lists the statuses in which a delivery to an active subscription allows the act.
func (a Act) From() []DeliveryStatus {
	return slices.DeleteFunc(DeliveryStatuses(), func(status DeliveryStatus) bool {
		return (&Delivery{Status: status}).Allows(a, SubscriptionActive) != nil
	})
}

// Allows returns nil if the act would have an effect on the delivery, whose subscription has the status, empty for one that
// is gone. Otherwise it returns a CodeConflict *Error that says why not, and what to do. A held delivery allows no
// redelivery: it makes no attempt before the subscription is resumed, which would look like an attempt that failed in
// silence.
func (d *Delivery) Allows(act Act, of SubscriptionStatus) error {
	switch {
	case act.after(d.Status) == stays:
		return Errorf(CodeConflict, "the delivery is %s; there is nothing to %s", d.Status, act)
	case act == ActRedeliver && d.PayloadRemoved():
		return Errorf(CodeConflict, "the delivery is %s, and its payload was removed; publish the event again", d.Status)
	case act == ActRedeliver && d.Status == DeliveryHeld:
		return Errorf(CodeConflict, "the delivery is held because its subscription is paused; resume the subscription")
	case act.suits(of, d.Status):
		return nil
	case of == "":
		return Errorf(CodeConflict, "the delivery is %s, and its subscription %s is deleted", d.Status, d.SubscriptionID)
	case of == SubscriptionDisabled:
		return Errorf(CodeConflict, "the delivery is %s, and its subscription %s is disabled; enable it first", d.Status, d.SubscriptionID)
	default:
		return Errorf(CodeConflict, "the delivery is %s, and its subscription %s is %s", d.Status, d.SubscriptionID, of)
	}
}

// Change asks for an act. An act that is the outcome of an attempt goes through Record instead, which counts the attempt; as
// a Change it sets the status alone.
type Change struct {
	Act Act
	At  time.Time // of ActRedeliver and ActRelease: when the next attempt is due
	Why           // who asks for it, and for which reason; not of ActStop, which has the reason of its Stop
	// Origin makes a repetition of the change, after a crash, do nothing; see AuditEntry. Empty: it is not recognised.
	Origin string
	// After is the number of attempts that had been made when an ActRedeliver was requested: if a later one delivered, the
	// request is fulfilled.
	After int
	// Epoch is the tenant's epoch in which an ActRedeliver was requested. 0: the present one.
	Epoch int64
	// Before spares a delivery from ActCancel if it was redelivered in this epoch or a later one. 0: it spares none.
	Before int64
}

// Facts are the circumstances of a change, as of its commit.
type Facts struct {
	Subscription SubscriptionStatus // empty: it is gone
	Epoch        int64              // the tenant's present one
	Stopped      *Why               // of a Stop of the delivery in the epoch that EpochAfter returns; nil: there is none
}

// Audit returns the audit's name of a change by an operator; empty: the change is the program's own.
func (c Change) Audit() AuditAction {
	switch c.Act {
	case ActCancel:
		return AuditCancelDelivery
	case ActRedeliver:
		return AuditRedeliverDelivery
	default:
		return ""
	}
}

// EpochAfter returns the epoch in which the delivery is wanted after the change, if the present one is given. A
// redelivery renews it; UnknownEpoch, which is above any present one, gives way to any other.
func (d *Delivery) EpochAfter(c Change, present int64) int64 {
	if c.Act != ActRedeliver {
		return d.Epoch
	}
	wanted := c.Epoch
	if wanted == 0 {
		wanted = present
	}
	if wanted > d.Epoch || d.Epoch > present {
		return wanted
	}
	return d.Epoch
}

// Apply carries out a change, and reports whether it took effect; if not, the delivery stays as it was.
func (d *Delivery) Apply(c Change, f Facts) bool {
	to := c.Act.after(d.Status)
	if to == stays || !c.Act.suits(f.Subscription, d.Status) || !d.permits(c, f) {
		return false
	}
	d.Epoch = d.EpochAfter(c, f.Epoch)
	switch {
	case c.Act == ActStop:
		d.close(to, f.Stopped.Words())
	case to.Closed():
		d.close(to, c.Words())
	case to == DeliveryHeld:
		d.Status = DeliveryHeld
	case !d.claimed(c.At): // the workflow that claimed it makes the attempt in any case
		d.bringForward(c.At)
	}
	return true
}

// permits reports whether what has happened meanwhile leaves room for the change.
func (d *Delivery) permits(c Change, f Facts) bool {
	switch c.Act {
	case ActStop:
		return f.Stopped != nil
	case ActRelease:
		return f.Stopped == nil
	case ActCancel:
		return c.Before == 0 || d.Epoch < c.Before
	case ActRedeliver:
		fulfilled := d.Status == DeliveryDelivered && d.Attempts > c.After
		return !d.Status.Closed() || !d.PayloadRemoved() && !fulfilled && f.Stopped == nil // the next attempt of an open one finds the stop
	default:
		return true
	}
}

func (d *Delivery) close(to DeliveryStatus, reason string) {
	d.Status, d.Reason, d.NextAttemptAt, d.Halted = to, reason, time.Time{}, ""
}

// bringForward makes the delivery pending and due at the given time. The schedule of a closed one begins anew.
func (d *Delivery) bringForward(at time.Time) {
	switch {
	case d.Status.Closed():
		d.Forwarded = d.Attempts
	case d.NextAttemptAt.After(at):
		d.Forwarded++
	}
	d.Status, d.Reason, d.NextAttemptAt, d.Halted = DeliveryPending, "", at, ""
}

// claimed reports whether the event's workflow may be making the first attempt.
func (d *Delivery) claimed(at time.Time) bool {
	return d.Status == DeliveryPending && ClaimLeft(d.ClaimedUntil, at) > 0
}

// Act returns the act of an attempt with the outcome.
func (o DeliveryOutcome) Act() Act {
	switch o.Status {
	case DeliveryDelivered:
		return ActSucceed
	case DeliveryExhausted:
		return ActExhaust
	case DeliveryCancelled:
		return ActDismiss
	default:
		return ActFail
	}
}

// Record counts an attempt and applies its outcome. A closed delivery keeps its status and its reason, unless the attempt
// succeeded: the receiver has it.
func (d *Delivery) Record(a *Attempt, outcome DeliveryOutcome) {
	d.Attempts, d.ClaimedUntil, d.Halted = a.Number, time.Time{}, ""
	d.LastError, d.LastClass, d.LastCode = a.Error, a.ErrorClass, a.Status
	if d.FailingSince.IsZero() {
		d.FailingSince = a.StartedAt
	}
	if outcome.Act() == ActSucceed {
		d.FailingSince = time.Time{}
	}
	to := outcome.Act().after(d.Status)
	switch {
	case to == stays:
	case to.Closed():
		d.close(to, outcome.Reason)
	default:
		d.Status, d.Reason, d.NextAttemptAt = to, outcome.Reason, outcome.NextAttemptAt
	}
}
