package api

import (
	"time"

	"github.com/posthaste/posthaste/models"
)

// recoveryInput is the JSON by which a caller describes a recovery.
type recoveryInput struct {
	Tenant         optional[string]            `json:"tenant"`
	SubscriptionID string                      `json:"subscription_id"`
	Since          timestamp                   `json:"since"`
	Until          timestamp                   `json:"until"`
	Status         optional[models.RecoveryOf] `json:"status"`
	Rate           optional[int]               `json:"rate"`
	Reason         string                      `json:"reason"`
	DryRun         bool                        `json:"dry_run"`
}

// recovery makes the recovery, or returns a CodeInvalid error. Its tenant and total are filled in later.
func (in *recoveryInput) recovery(why models.Why, now time.Time) (*models.Recovery, error) {
	if !models.ValidID(models.SubscriptionPrefix, in.SubscriptionID) {
		return nil, models.Invalid("subscription_id", "must be an id that starts with %s", models.SubscriptionPrefix)
	}
	rate, err := chosenRate(in.Rate, models.DefaultRate)
	if err != nil {
		return nil, err
	}
	recovery := models.NewRecovery(models.Recovery{
		SubscriptionID: in.SubscriptionID, Since: time.Time(in.Since), Until: time.Time(in.Until), Rate: rate, Why: why,
	}, now)
	in.Status.set(&recovery.Of) // after the defaults: an empty value that was given is judged, not replaced
	return recovery, recovery.Validate()
}

// recoveryPlan shows what a recovery would do.
type recoveryPlan struct {
	Tenant         string            `json:"tenant"`
	SubscriptionID string            `json:"subscription_id"`
	Recovers       models.RecoveryOf `json:"recovers"`
	Since          timestamp         `json:"since"`
	Until          timestamp         `json:"until"`
	Rate           int               `json:"rate"`
	By             string            `json:"by,omitempty"`
	Reason         string            `json:"reason,omitempty"`
	Total          int               `json:"total"`
}

func newRecoveryPlan(r *models.Recovery) recoveryPlan {
	return recoveryPlan{
		Tenant: r.Tenant, SubscriptionID: r.SubscriptionID, Recovers: r.Of, Since: timestamp(r.Since),
		Until: timestamp(r.Until), Rate: r.Rate, By: r.By, Reason: r.Reason, Total: r.Total,
	}
}

// dryRunView is a recovery that was not started.
type dryRunView struct {
	DryRun bool `json:"dry_run"`
	recoveryPlan
}

// recoveryView is a recovery. Done counts the deliveries told to go, Skipped those in a state that did not allow it.
type recoveryView struct {
	ID     string                `json:"id"`
	Status models.RecoveryStatus `json:"status"`
	recoveryPlan
	Done       int       `json:"done"`
	Skipped    int       `json:"skipped"`
	CreatedAt  timestamp `json:"created_at"`
	UpdatedAt  timestamp `json:"updated_at"`
	FinishedAt timestamp `json:"finished_at,omitzero"`
	Links      links     `json:"links"`
}

func (s *server) recoveryView(r *models.Recovery) recoveryView {
	return recoveryView{
		ID: r.ID, Status: r.Status, recoveryPlan: newRecoveryPlan(r), Done: r.Progress.Done, Skipped: r.Progress.Skipped,
		CreatedAt: timestamp(r.CreatedAt), UpdatedAt: timestamp(r.UpdatedAt), FinishedAt: timestamp(r.FinishedAt),
		Links: s.recoveryLinks(r),
	}
}
