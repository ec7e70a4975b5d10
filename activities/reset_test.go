package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/models"
)

// TestResetInTemporal dispatches an attempt for the first time ahead of its time, which only Temporal's Reset does. It is
// audited, and uses up no step of the schedule, as a redelivery by hand.
func TestResetInTemporal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, ids := b.deliveries(t, 1)
	attempt := &models.Attempt{DeliveryID: ids[0], Number: 1, StartedAt: time.Now(), Exchange: models.Exchange{ErrorClass: models.ErrorTimeout, Error: "no answer"}}
	require.NoError(t, b.RecordAttempt(t.Context(), attempt, models.DeliveryOutcome{
		Status: models.DeliveryPending, NextAttemptAt: time.Now().Add(time.Hour),
	}))
	require.NoError(t, b.attempt(activities.AttemptDeliveryInput{DeliveryID: ids[0]}))
	require.Equal(t, receiver{ids[0]: 1}, b.receiver)
	d, err := b.Delivery(t.Context(), ids[0])
	require.NoError(t, err)
	require.Equal(t, models.DeliveryDelivered, d.Status)
	require.Equal(t, 1, d.Forwarded)
	entries, err := b.Audit(t.Context(), models.AuditFilter{Subject: ids[0]})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, models.AuditRedeliverDelivery, entries[0].Action)
	require.Equal(t, models.Why{By: "temporal", Reason: "reset in Temporal"}, entries[0].Why)
}
