package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/models"
)

// maxSummary is how many bytes of a summary we write. Temporal's limit of 400 counts its encoding as well.
const maxSummary = 350

func eventAttributes(in DeliverEventInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		attributeTenant.ValueSet(in.Tenant),
		attributeEventType.ValueSet(in.EventType),
		attributeEventID.ValueSet(in.EventID),
	)
}

func deliveryAttributes(in DeliverToSubscriberInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		attributeTenant.ValueSet(in.Tenant),
		attributeEventType.ValueSet(in.EventType),
		attributeEventID.ValueSet(in.EventID),
		attributeSubscriptionID.ValueSet(in.SubscriptionID),
	)
}

func eventSummary(in DeliverEventInput) string {
	return clip(fmt.Sprintf("%s of tenant %s", in.EventType, in.Tenant), maxSummary)
}

func eventDetails(in DeliverEventInput) string {
	return details("Tells every subscriber of an event.",
		"Event type", in.EventType, "Tenant", in.Tenant, "Event", in.EventID)
}

func batchSummary(in DeliverBatchInput) string {
	return clip(fmt.Sprintf("%s of tenant %s, deliveries %d to %d", in.EventType, in.Tenant, in.From, in.To-1), maxSummary)
}

func deliverySummary(in DeliverToSubscriberInput) string {
	return clip(fmt.Sprintf("%s of tenant %s to %s", in.EventType, in.Tenant, in.Host), maxSummary)
}

func deliveryDetails(in DeliverToSubscriberInput) string {
	return details("Delivers one event to one subscription.",
		"Event type", in.EventType, "Tenant", in.Tenant, "To", in.Host,
		"Event", in.EventID, "Subscription", in.SubscriptionID, "Delivery", in.DeliveryID)
}

func jobAttributes(job models.Job) temporal.SearchAttributes {
	attributes := []temporal.SearchAttributeUpdate{attributeTenant.ValueSet(job.Tenant)}
	if job.Selection.EventID != "" {
		attributes = append(attributes, attributeEventID.ValueSet(job.Selection.EventID))
	}
	if job.Selection.SubscriptionID != "" {
		attributes = append(attributes, attributeSubscriptionID.ValueSet(job.Selection.SubscriptionID))
	}
	return temporal.NewSearchAttributes(attributes...)
}

func jobSummary(job models.Job) string {
	of := cmp.Or(job.Selection.EventID, job.Selection.SubscriptionID, job.Subject())
	return clip(fmt.Sprintf("%s the deliveries of %s, asked for by %s", job.Action, of, cmp.Or(job.By, "somebody")), maxSummary)
}

// details writes a sentence and a list of names and values as Markdown.
func details(sentence string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(sentence + "\n")
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "\n- %s: `%s`", pairs[i], pairs[i+1])
	}
	return b.String()
}

// clip cuts text to a number of bytes without splitting a character.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const mark = "…"
	cut := limit - len(mark)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}
