package api

import (
	"time"

	"github.com/posthaste/posthaste/client"
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

// showPlan tells what a recovery does.
func showPlan(r *models.Recovery) client.RecoveryPlan {
	return client.RecoveryPlan{
		Tenant: r.Tenant, SubscriptionID: r.SubscriptionID, Recovers: client.RecoveryOf(r.Of), Since: stamp(r.Since),
		Until: stamp(r.Until), Rate: r.Rate, By: r.By, Reason: r.Reason, Total: r.Total,
	}
}

// showRecovery is a recovery that was started.
func (s *server) showRecovery(r *models.Recovery) client.Recovery {
	return client.Recovery{
		ID: r.ID, Status: client.RecoveryStatus(r.Status), RecoveryPlan: showPlan(r),
		Done: r.Progress.Done, Skipped: r.Progress.Skipped,
		CreatedAt: stamp(r.CreatedAt), UpdatedAt: stamp(r.UpdatedAt), FinishedAt: stamp(r.FinishedAt),
		Links: s.recoveryLinks(r),
	}
}
