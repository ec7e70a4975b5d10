package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/posthaste/posthaste/models"
)

// showDetails sets the current details of the workflow in the Web UI: the state of the delivery, and the actions that an
// operator has. A workflow whose delivery can no longer be cancelled is about to close, and reads no signal.
func (d *delivery) showDetails(ctx workflow.Context, status models.DeliveryStatus, until time.Time) {
	words := []string{d.waitsFor(status, until)}
	if allows(status, models.ActRelease) {
		words = append(words, command("Let it go with the others", "subscriptions resume "+d.in.SubscriptionID))
	}
	if allows(status, models.ActCancel) && allows(status, models.ActRedeliver) {
		words = append(words, choice("Try now", SignalRedeliver, "deliveries redeliver "+d.in.DeliveryID))
	}
	if allows(status, models.ActCancel) {
		words = append(words, choice("Give up", SignalCancel, "deliveries cancel "+d.in.DeliveryID))
	}
	words = append(words, command("See each attempt", "deliveries attempts "+d.in.DeliveryID))
	workflow.SetCurrentDetails(ctx, strings.Join(words, "\n"))
}

// allows reports whether a delivery in the status, to an active subscription, allows the act.
func allows(status models.DeliveryStatus, act models.Act) bool {
	return (&models.Delivery{Status: status}).Allows(act, models.SubscriptionActive) == nil
}

// waitsFor returns a sentence about the status.
func (d *delivery) waitsFor(status models.DeliveryStatus, until time.Time) string {
	switch status {
	case models.DeliveryPending:
		if !d.failing.IsZero() {
			return fmt.Sprintf("**Retrying**: attempts fail since %s%s. The next one waits for its time as the pending activity shows.\n",
				d.failing.UTC().Format(time.RFC3339), d.because())
		}
		return "**Pending**: an attempt runs, or waits for its time as the pending activity shows.\n"
	case models.DeliveryHeld:
		return "**Held**: the subscription is paused, or this delivery's turn after the pause has not come yet.\n"
	case models.DeliveryExhausted:
		if until.IsZero() {
			return fmt.Sprintf("**Exhausted**: the retry schedule is used up%s.\n", d.because())
		}
		return fmt.Sprintf("**Exhausted**: the retry schedule is used up%s. Kept open until %s.\n",
			d.because(), until.UTC().Format(time.RFC3339))
	default:
		return fmt.Sprintf("**%s%s**\n", strings.ToUpper(string(status[:1])), status[1:])
	}
}

// because returns the last failure, as foreign text.
func (d *delivery) because() string {
	if d.why == "" {
		return ""
	}
	return " (" + code(d.why, maxDetail) + ")"
}

func choice(what, signal, commandLine string) string {
	return fmt.Sprintf("- %s: signal `%s`, or `posthaste %s`", what, signal, commandLine)
}

func command(what, commandLine string) string {
	return fmt.Sprintf("- %s: `posthaste %s`", what, commandLine)
}
