package models

import (
	"cmp"
	"time"
)

// AttemptTime is the longest that an attempt and its recording may take.
const AttemptTime = MaxTimeout + 30*time.Second

// clockSlack is the time by which an attempt may be early: Temporal's clock and ours need not agree to the millisecond.
const clockSlack = time.Second

// Do names the next thing to do for a delivery.
type Do string

// The things to do.
const (
	DoSend   Do = "send"   // make the attempt
	DoWait   Do = "wait"   // ask again after Next.In
	DoRest   Do = "rest"   // the delivery is held: wait until somebody resumes it
	DoChange Do = "change" // apply Next.Change to the delivery and ask again
	DoEnd    Do = "end"    // the delivery is closed
)

// Next is the answer of the gates: what to do for a delivery, and why it makes no attempt now.
type Next struct {
	Do     Do
	In     time.Duration // of DoWait
	Change Change        // of DoChange
	Why    string        // a sentence, for the Web UI; empty for DoSend
}

// Asked is what the gates need to know of the caller, who is about to make an attempt.
type Asked struct {
	Resumed bool // it is the turn of this delivery after a pause
	Claimed bool // the caller is the event's workflow, which has claimed the first attempt
	First   bool // no timer of the caller's has run yet
	Wait    bool // the caller knows that the attempt need not be due yet; otherwise, a First call ahead of time is a Reset
	// Reset names the Reset in Temporal by which the attempt may have been called ahead of its time; empty: there was none.
	Reset string
}

// gate returns what keeps a delivery from its attempt at the given time; ok is false if nothing does.
type gate func(w *Work, now time.Time, asked Asked) (next Next, ok bool)

// gates are asked in this order, and the first one that is shut decides. A closed delivery has no further rows, so its end
// comes first. An attempt that must never be made comes before one that must only wait. A paused subscription holds also a
// delivery that is not due, so that a resumption finds it; and the claim knows when the delivery is due.
var gates = []gate{ended, orphaned, stopped, held, claimed, notDue}

// Next returns what to do for the delivery at the given time.
func (w *Work) Next(now time.Time, asked Asked) Next {
	for _, gate := range gates {
		if next, shut := gate(w, now, asked); shut {
			return next
		}
	}
	return Next{Do: DoSend}
}

// ended stops at a delivery that is closed.
func ended(w *Work, _ time.Time, _ Asked) (Next, bool) {
	return Next{Do: DoEnd, Why: w.words(cmp.Or(w.Delivery.Reason, w.Delivery.LastError))}, w.Delivery.Status.Closed()
}

// orphaned cancels a delivery that lacks what an attempt needs.
func orphaned(w *Work, _ time.Time, _ Asked) (Next, bool) {
	abandon := func(reason string) (Next, bool) {
		return Next{Do: DoChange, Why: w.words(reason), Change: Change{Act: ActAbandon, Why: Why{Reason: reason}}}, true
	}
	switch {
	case w.Event == nil:
		return abandon("the event was deleted")
	case w.Subscription == nil:
		return abandon("the subscription was deleted")
	case w.Subscription.Status == SubscriptionDisabled:
		return abandon("the subscription is disabled")
	}
	return Next{}, false
}

// stopped cancels a delivery that was wanted before a Stop.
func stopped(w *Work, _ time.Time, _ Asked) (Next, bool) {
	if w.Stopped == nil {
		return Next{}, false
	}
	return Next{Do: DoChange, Why: w.words(w.Stopped.Words()), Change: Change{Act: ActStop}}, true
}

// held holds a delivery while its subscription is paused, and releases it afterwards: when it is its turn, or when no job
// releases deliveries in turn any more.
func held(w *Work, now time.Time, asked Asked) (Next, bool) {
	paused, isHeld := w.Subscription.Status == SubscriptionPaused, w.Delivery.Status == DeliveryHeld
	switch {
	case paused && isHeld:
		return Next{Do: DoRest, Why: "the subscription is paused"}, true
	case paused:
		return Next{Do: DoChange, Why: w.words("the subscription was paused"), Change: Change{Act: ActHold}}, true
	case !isHeld:
		return Next{}, false
	case w.Subscription.ResumeRate > 0 && !asked.Resumed:
		return Next{Do: DoRest, Why: "the subscription was resumed; this delivery's turn has not come yet"}, true
	default:
		return Next{Do: DoChange, Why: w.words("the subscription was resumed"), Change: Change{Act: ActRelease, At: now}}, true
	}
}

// claimPoll is how long a delivery waits before it looks again whether the claimed attempt is recorded.
const claimPoll = 20 * time.Second

// claimed keeps two workflows from making the first attempt.
func claimed(w *Work, now time.Time, asked Asked) (Next, bool) {
	left := ClaimLeft(w.Delivery.ClaimedUntil, now)
	switch {
	case asked.Claimed && left <= AttemptTime:
		return Next{Do: DoWait, Why: "the claim is over, or nearly"}, true
	case !asked.Claimed && left > 0:
		return Next{Do: DoWait, In: min(left, claimPoll), Why: "the first attempt is being made by the workflow that planned it"}, true
	}
	return Next{}, false
}

// notDue keeps the schedule when Temporal dispatches early: after a lost worker, and in the first dispatch after a local
// attempt. A Reset in Temporal is an operator's wish to try now: it counts as a redelivery by hand. A first attempt is due
// at once: if it seems not to be, the clock that planned it was ahead of ours.
func notDue(w *Work, now time.Time, asked Asked) (Next, bool) {
	wait, slack := w.dueAt(now).Sub(now), clockSlack
	if asked.First && asked.Wait { // no timer of Temporal's has run yet, so none can be early
		slack = 0
	}
	switch {
	case wait <= slack, asked.First && w.Delivery.Attempts == 0:
		return Next{}, false
	case asked.Reset != "":
		return Next{Do: DoChange, Why: w.words(w.Delivery.LastError), Change: Change{
			Act: ActRedeliver, At: now, After: w.Delivery.Attempts, Origin: asked.Reset,
			Why: Why{By: "temporal", Reason: "reset in Temporal"},
		}}, true
	default:
		return Next{Do: DoWait, In: wait, Why: w.words(w.Delivery.LastError)}, true
	}
}

// dueAt returns when the next attempt is due: now, if the clock that claimed the first one ran ahead, as then its due time
// does too.
func (w *Work) dueAt(now time.Time) time.Time {
	if ClaimLeft(w.Delivery.ClaimedUntil, now) == 0 {
		return now
	}
	return w.Delivery.NextAttemptAt
}
