package models_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// subscriptionStatuses lists the statuses that a delivery's subscription may have; the empty one stands for a deleted
// subscription.
func subscriptionStatuses() []models.SubscriptionStatus {
	return append(models.SubscriptionStatuses(), "")
}

// TestLife compares each act, status and status of the subscription with the table in the architecture.
func TestLife(t *testing.T) {
	t.Parallel()
	documented, err := os.ReadFile("../docs/architecture.md")
	require.NoError(t, err)
	if !strings.Contains(string(documented), "```\n"+lifeTable()+"```\n") {
		t.Fatalf("docs/architecture.md must have this table:\n%s", lifeTable())
	}
}

// lifeTable prints, by the rules in models, what each act makes of a delivery.
func lifeTable() string {
	var table strings.Builder
	row := func(act string, cells func(models.DeliveryStatus) string) {
		line := fmt.Sprintf("%-9s", act)
		for _, status := range models.DeliveryStatuses() {
			line += fmt.Sprintf(" %-14s", cells(status))
		}
		table.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	row("", func(status models.DeliveryStatus) string { return string(status) })
	for _, act := range models.Acts() {
		row(string(act), func(status models.DeliveryStatus) string { return cell(act, status) })
	}
	return table.String()
}

// cell tells the status after an act, and in brackets the initials of the subscription's statuses that allow it, unless all do.
func cell(act models.Act, status models.DeliveryStatus) string {
	var to models.DeliveryStatus
	var allowed []string
	for _, of := range subscriptionStatuses() {
		d := &models.Delivery{Status: status}
		if happens(d, act, of) {
			to, allowed = d.Status, append(allowed, string(of)[:min(len(of), 1)])
		}
	}
	switch len(allowed) {
	case 0:
		return "-"
	case len(subscriptionStatuses()):
		return string(to)
	default:
		return fmt.Sprintf("%s [%s]", to, strings.Join(allowed, ""))
	}
}

// happens makes the act happen to the delivery, and reports whether it had an effect.
func happens(d *models.Delivery, act models.Act, of models.SubscriptionStatus) bool {
	outcomes := map[models.Act]models.DeliveryStatus{
		models.ActSucceed: models.DeliveryDelivered, models.ActFail: models.DeliveryPending,
		models.ActExhaust: models.DeliveryExhausted, models.ActDismiss: models.DeliveryCancelled,
	}
	if outcome, ok := outcomes[act]; ok {
		d.Reason = "before"
		d.Record(&models.Attempt{Number: 1}, models.DeliveryOutcome{Status: outcome, Reason: "after"})
		return d.Reason == "after"
	}
	facts := models.Facts{Subscription: of}
	if act == models.ActStop {
		facts.Stopped = &models.Why{Reason: "maintenance"}
	}
	return d.Apply(models.Change{Act: act}, facts)
}

// TestAllows checks that an act is allowed exactly where it has an effect; except that nobody may ask for the redelivery
// of a held delivery, which makes no attempt.
func TestAllows(t *testing.T) {
	t.Parallel()
	for _, act := range models.Acts() {
		for _, status := range models.DeliveryStatuses() {
			for _, of := range subscriptionStatuses() {
				err := (&models.Delivery{Status: status, SubscriptionID: "sub_1"}).Allows(act, of)
				if !happens(&models.Delivery{Status: status}, act, of) || act == models.ActRedeliver && status == models.DeliveryHeld {
					require.Equal(t, models.CodeConflict, models.ErrorCode(err), "%s %s %s", act, status, of)
					require.ErrorContains(t, err, string(status))
					continue
				}
				require.NoError(t, err, "%s %s %s", act, status, of)
			}
		}
	}
}

// TestRefusals checks the sentences that operators read.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status models.DeliveryStatus
		act    models.Act
		of     models.SubscriptionStatus
		want   string
	}{
		{models.DeliveryDelivered, models.ActCancel, "active", "the delivery is delivered; there is nothing to cancel"},
		{models.DeliveryHeld, models.ActRedeliver, "paused", "the delivery is held because its subscription is paused; resume the subscription"},
		{models.DeliveryExhausted, models.ActRedeliver, "", "the delivery is exhausted, and its subscription sub_1 is deleted"},
		{models.DeliveryCancelled, models.ActRedeliver, "disabled", "the delivery is cancelled, and its subscription sub_1 is disabled; enable it first"},
		{models.DeliveryHeld, models.ActRelease, "paused", "the delivery is held, and its subscription sub_1 is paused"},
		{models.DeliveryPending, models.ActRelease, "active", "the delivery is pending; there is nothing to release"},
		{"unknown", models.ActCancel, "active", "the delivery is unknown; there is nothing to cancel"},
	} {
		err := (&models.Delivery{Status: test.status, SubscriptionID: "sub_1"}).Allows(test.act, test.of)
		require.EqualError(t, err, test.want)
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	require.Equal(t, []models.DeliveryStatus{models.DeliveryPending, models.DeliveryHeld, models.DeliveryExhausted}, models.ActCancel.From())
	require.Equal(t, []models.DeliveryStatus{models.DeliveryPending, models.DeliveryHeld}, models.ActStop.From())
	require.Equal(t, []models.DeliveryStatus{
		models.DeliveryPending, models.DeliveryDelivered, models.DeliveryExhausted, models.DeliveryCancelled,
	}, models.ActRedeliver.From())
}

func TestFirstStatus(t *testing.T) {
	t.Parallel()
	require.Equal(t, models.DeliveryPending, models.FirstStatus(models.SubscriptionActive))
	require.Equal(t, models.DeliveryHeld, models.FirstStatus(models.SubscriptionPaused))
	require.Empty(t, models.FirstStatus(models.SubscriptionDisabled))
	require.Empty(t, models.FirstStatus(""))
}

// TestRedeliverTiming checks the due time and the count of attempts that use up no step of the schedule.
func TestRedeliverTiming(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	active := models.Facts{Subscription: models.SubscriptionActive, Epoch: 1}
	redeliver := models.Change{Act: models.ActRedeliver, At: now, After: 3}
	for name, test := range map[string]struct {
		before, after models.Delivery
	}{
		"waiting": {
			models.Delivery{Status: models.DeliveryPending, Attempts: 3, NextAttemptAt: now.Add(time.Hour), Halted: "ann"},
			models.Delivery{Status: models.DeliveryPending, Attempts: 3, Forwarded: 1, NextAttemptAt: now, Epoch: 1},
		},
		"due": {
			models.Delivery{Status: models.DeliveryPending, Attempts: 3, NextAttemptAt: now.Add(-time.Hour)},
			models.Delivery{Status: models.DeliveryPending, Attempts: 3, NextAttemptAt: now, Epoch: 1},
		},
		"claimed": {
			models.Delivery{Status: models.DeliveryPending, NextAttemptAt: now.Add(time.Second), ClaimedUntil: now.Add(time.Minute)},
			models.Delivery{Status: models.DeliveryPending, NextAttemptAt: now.Add(time.Second), ClaimedUntil: now.Add(time.Minute), Epoch: 1},
		},
		"closed": {
			models.Delivery{Status: models.DeliveryCancelled, Attempts: 3, Reason: "by hand"},
			models.Delivery{Status: models.DeliveryPending, Attempts: 3, Forwarded: 3, NextAttemptAt: now, Epoch: 1},
		},
		"held": {
			models.Delivery{Status: models.DeliveryHeld, NextAttemptAt: now.Add(time.Hour)},
			models.Delivery{Status: models.DeliveryHeld, NextAttemptAt: now.Add(time.Hour), Epoch: 1},
		},
	} {
		require.True(t, test.before.Apply(redeliver, active), name)
		require.Equal(t, test.after, test.before, name)
	}
}

// TestMeanwhile checks the changes that come too late, or for deliveries that they do not mean.
func TestMeanwhile(t *testing.T) {
	t.Parallel()
	stopped := models.Facts{Subscription: models.SubscriptionActive, Epoch: 5, Stopped: &models.Why{By: "ann"}}
	active := models.Facts{Subscription: models.SubscriptionActive, Epoch: 5}
	for name, test := range map[string]struct {
		delivery models.Delivery
		change   models.Change
		facts    models.Facts
	}{
		"fulfilled":                   {models.Delivery{Status: models.DeliveryDelivered, Attempts: 4}, models.Change{Act: models.ActRedeliver, After: 3}, active},
		"closed and stopped":          {models.Delivery{Status: models.DeliveryExhausted}, models.Change{Act: models.ActRedeliver}, stopped},
		"held and stopped":            {models.Delivery{Status: models.DeliveryHeld}, models.Change{Act: models.ActRelease}, stopped},
		"no stop":                     {models.Delivery{Status: models.DeliveryPending}, models.Change{Act: models.ActStop}, active},
		"redelivered after the stop":  {models.Delivery{Status: models.DeliveryPending, Epoch: 5}, models.Change{Act: models.ActCancel, Before: 5}, active},
		"redelivered before the stop": {models.Delivery{Status: models.DeliveryDelivered, Epoch: 4}, models.Change{Act: models.ActCancel, Before: 5}, active},
	} {
		before := test.delivery
		require.False(t, test.delivery.Apply(test.change, test.facts), name)
		require.Equal(t, before, test.delivery, name)
	}
}

func TestEpochAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ epoch, asked, present, want int64 }{
		{1, 0, 7, 7},
		{1, 3, 7, 3},
		{5, 3, 7, 5},
		{models.UnknownEpoch, 3, 7, 3},
		{models.UnknownEpoch, 0, 7, 7},
	} {
		d := &models.Delivery{Epoch: test.epoch}
		require.Equal(t, test.want, d.EpochAfter(models.Change{Act: models.ActRedeliver, Epoch: test.asked}, test.present))
		require.Equal(t, test.epoch, d.EpochAfter(models.Change{Act: models.ActCancel}, test.present))
	}
}
