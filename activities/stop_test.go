package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
)

var enough = models.Why{By: "Jo", Reason: "wrong prices"}

// TestStopThatNobodyCarriesOut is one whose process died right after its commit: no attempt begins all the same, whoever is to
// make it, and one that is asked for afterwards is made.
func TestStopThatNobodyCarriesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sub, ids := b.deliveries(t, 20)
	b.setStatus(t, sub.ID, models.SubscriptionPaused)
	b.setStatus(t, sub.ID, models.SubscriptionActive)
	for _, id := range ids[10:] { // the others are held
		released, err := b.ChangeDelivery(t.Context(), id, models.Change{Act: models.ActRelease, At: time.Now()})
		require.NoError(t, err)
		require.Equal(t, models.DeliveryPending, released.Status)
	}
	_, err := b.CancelWaiting(t.Context(), sub.ID, enough)
	require.NoError(t, err)
	for i, id := range ids {
		in := activities.AttemptDeliveryInput{DeliveryID: id, Wait: i%2 == 0, Resumed: i%3 == 0, Claimed: i%5 == 0}
		ending := activities.EndingOf(b.attempt(in))
		require.Equal(t, activities.Cancelled, ending.Kind)
		require.Equal(t, "wrong prices (by Jo)", ending.Message)
	}
	require.Empty(t, b.receiver)
	require.Equal(t, len(ids), b.count(t, sub.ID, models.DeliveryCancelled))

	_, err = b.ChangeDelivery(t.Context(), ids[0], models.Change{Act: models.ActRedeliver, At: time.Now(), Why: enough})
	require.NoError(t, err)
	require.NoError(t, b.attempt(activities.AttemptDeliveryInput{DeliveryID: ids[0]}))
	require.Equal(t, receiver{ids[0]: 1}, b.receiver)
}

// TestStopIsCarriedOut has the job close what is open, come back for what a plan made that had begun before, and leave what
// was redelivered since.
func TestStopIsCarriedOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sub, ids := b.deliveries(t, 5)
	stop, err := b.CancelTenant(t.Context(), sub.Tenant, enough)
	require.NoError(t, err)
	require.Equal(t, 5, stop.Deliveries)
	_, err = b.ChangeDelivery(t.Context(), ids[0], models.Change{Act: models.ActRedeliver, At: time.Now(), Why: enough})
	require.NoError(t, err)
	_, late := b.deliveries(t, 1)
	b.exec(t, "UPDATE deliveries SET epoch = 1 WHERE id = '"+late[0]+"'")

	passed := activities.SteerInput{Job: stop.Job(), Progress: models.Progress{After: late[0]}} // before it was made
	result := b.steer(t, passed)
	require.False(t, result.Done)
	require.Positive(t, result.Wait)
	require.Empty(t, result.Progress.After, "it walks from the start")
	require.True(t, b.steer(t, activities.SteerInput{Job: stop.Job()}).Done)

	require.Equal(t, models.DeliveryPending, b.status(t, ids[0]))
	for _, id := range append(ids[1:], late...) {
		require.True(t, b.control.told[id])
		require.Equal(t, models.DeliveryCancelled, b.status(t, id))
	}
	walking, err := b.WalkingStops(t.Context(), "", 10)
	require.NoError(t, err)
	require.Empty(t, walking)
}

// TestRecoveryThatIsStopped ends one that was asked for before all that waits was cancelled.
func TestRecoveryThatIsStopped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sub, ids := b.deliveries(t, 1)
	_, err := b.ChangeDelivery(t.Context(), ids[0], models.Change{Act: models.ActExhaust})
	require.NoError(t, err)
	recovery := models.NewRecovery(models.Recovery{
		Tenant: sub.Tenant, SubscriptionID: sub.ID, Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour),
	}, time.Now().Add(time.Minute))
	require.NoError(t, b.CreateRecovery(t.Context(), recovery))
	_, err = b.CancelWaiting(t.Context(), sub.ID, enough)
	require.NoError(t, err)
	require.True(t, b.steer(t, activities.SteerInput{Job: recovery.Job()}).Done)
	stored, err := b.Recovery(t.Context(), recovery.ID)
	require.NoError(t, err)
	require.Equal(t, models.RecoveryCancelled, stored.Status)
	require.Equal(t, models.DeliveryExhausted, b.status(t, ids[0]))
}

func (b *bundle) steer(t *testing.T, in activities.SteerInput) *activities.SteerResult {
	t.Helper()
	value, err := b.env.ExecuteActivity(b.acts.Steer, in)
	require.NoError(t, err)
	var result activities.SteerResult
	require.NoError(t, value.Get(&result))
	return &result
}

func (b *bundle) status(t *testing.T, id string) models.DeliveryStatus {
	t.Helper()
	d, err := b.Delivery(t.Context(), id)
	require.NoError(t, err)
	return d.Status
}
