package activities

import (
	"context"

	"github.com/posthaste/posthaste/models"
)

// MaxTargets bounds the targets in one answer, and so the deliveries that one workflow starts itself.
const MaxTargets = 200

// Target holds the facts that a workflow needs to start the delivery workflow of one subscriber.
type Target struct {
	DeliveryID     string `json:"delivery_id"`
	SubscriptionID string `json:"subscription_id"`
	Host           string `json:"host,omitempty"`
	Fast           bool   `json:"fast,omitempty"` // answered fast last time, as far as this process knows
	// Claimed says that the event's workflow makes the first attempt.
	Claimed bool `json:"claimed,omitempty"`
	// Attempted says that an attempt was made, by a workflow that ended before it could report it: the next attempt waits
	// for its time.
	Attempted bool `json:"attempted,omitempty"`
}

// PlanDeliveriesInput names the event.
type PlanDeliveriesInput struct {
	EventID string `json:"event_id"`
	// Claim has the caller make the first attempt at each subscriber that is known to answer fast.
	Claim bool `json:"claim,omitempty"`
}

// PlanDeliveriesResult is the size of the fan-out, and its targets if they are at most MaxTargets.
type PlanDeliveriesResult struct {
	Deliveries int      `json:"deliveries"`
	Targets    []Target `json:"targets,omitempty"`
}

// PlanDeliveries stores the deliveries of an event: one for each active subscription that matches. Planning twice
// changes nothing.
func (a *Activities) PlanDeliveries(ctx context.Context, in PlanDeliveriesInput) (*PlanDeliveriesResult, error) {
	plan, err := a.store.PlanClaiming(ctx, in.EventID, func(id string) bool { return in.Claim && a.speed.fast(id) })
	if err != nil {
		return nil, ours("plan deliveries", err)
	}
	result := &PlanDeliveriesResult{Deliveries: plan.Deliveries}
	if plan.Deliveries == 0 || plan.Deliveries > MaxTargets {
		return result, nil
	}
	result.Targets, err = a.targets(ctx, in.EventID, 0, plan.Deliveries)
	return result, err
}

// ListTargetsInput names a part of an event's deliveries: positions From up to, not including, To.
type ListTargetsInput struct {
	EventID string `json:"event_id"`
	From    int    `json:"from"`
	To      int    `json:"to"`
}

// ListTargetsResult holds the targets in that part whose deliveries are still pending.
type ListTargetsResult struct {
	Targets []Target `json:"targets"`
}

// ListTargets reads a part of a planned event's deliveries.
func (a *Activities) ListTargets(ctx context.Context, in ListTargetsInput) (*ListTargetsResult, error) {
	targets, err := a.targets(ctx, in.EventID, in.From, min(in.To, in.From+MaxTargets))
	return &ListTargetsResult{Targets: targets}, err
}

func (a *Activities) targets(ctx context.Context, eventID string, from, to int) ([]Target, error) {
	rows, err := a.store.Targets(ctx, eventID, from, to)
	if err != nil {
		return nil, ours("list targets", err)
	}
	targets := make([]Target, len(rows))
	for i, row := range rows {
		targets[i] = a.target(row)
	}
	return targets, nil
}

func (a *Activities) target(row models.Target) Target {
	return Target{
		DeliveryID:     row.DeliveryID,
		SubscriptionID: row.SubscriptionID,
		Host:           row.Host,
		Fast:           a.speed.fast(row.SubscriptionID),
		Claimed:        row.Claimed,
		Attempted:      row.Attempted,
	}
}
