package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/posthaste/posthaste/models"
)

// PlanDeliveriesInput names the event.
type PlanDeliveriesInput struct {
	EventID string `json:"event_id"`
	// Claim has the caller make the first attempt at each subscriber that is known to answer fast.
	Claim bool `json:"claim,omitempty"`
	// ClaimAbove is the same for an event that has more deliveries; 0: for none.
	ClaimAbove int `json:"claim_above,omitempty"`
}

// PlanDeliveriesResult is the size of the fan-out, and its targets if they are at most models.MaxTargets.
type PlanDeliveriesResult struct {
	Deliveries int             `json:"deliveries"`
	Targets    []models.Target `json:"targets,omitempty"`
}

// PlanDeliveries stores the deliveries of an event: one for each active subscription that matches. Planning twice
// changes nothing.
func (a *Activities) PlanDeliveries(ctx context.Context, in PlanDeliveriesInput) (*PlanDeliveriesResult, error) {
	began := a.now()
	plan, err := a.store.PlanDeliveries(ctx, in.EventID, func(id string, deliveries int) bool {
		return (in.Claim || in.ClaimAbove > 0 && deliveries > in.ClaimAbove) && a.speed.fast(id)
	})
	if err != nil {
		return nil, ours("plan deliveries", err)
	}
	a.tellPlanned(ctx, began, plan.Planned)
	return &PlanDeliveriesResult{Deliveries: plan.Deliveries, Targets: a.markFast(plan.Targets)}, nil
}

// tellPlanned makes the spans and the log lines of events that were planned since a time.
func (a *Activities) tellPlanned(ctx context.Context, began time.Time, planned []models.Planned) {
	for _, event := range planned {
		traced := a.tracer.Plan(ctx, began, event)
		if a.log.Enabled(traced, slog.LevelDebug) {
			a.log.LogAttrs(traced, slog.LevelDebug, "event.planned", slog.String("tenant", event.Tenant),
				slog.String("event_type", event.EventType), slog.String("event_id", event.EventID), slog.Int("deliveries", event.Deliveries))
		}
	}
}

// ListTargetsInput names a part of an event's deliveries: positions From up to, not including, To.
type ListTargetsInput struct {
	EventID string `json:"event_id"`
	From    int    `json:"from"`
	To      int    `json:"to"`
}

// ListTargetsResult holds the targets in that part: the deliveries that are pending, held or exhausted.
type ListTargetsResult struct {
	Targets []models.Target `json:"targets"`
}

// ListTargets reads a part of a planned event's deliveries.
func (a *Activities) ListTargets(ctx context.Context, in ListTargetsInput) (*ListTargetsResult, error) {
	targets, err := a.store.Targets(ctx, in.EventID, in.From, min(in.To, in.From+models.MaxTargets))
	return &ListTargetsResult{Targets: a.markFast(targets)}, ours("list targets", err)
}

// markFast marks the targets that are known to answer fast.
func (a *Activities) markFast(targets []models.Target) []models.Target {
	for i := range targets {
		targets[i].Fast = a.speed.fast(targets[i].SubscriptionID)
	}
	return targets
}
