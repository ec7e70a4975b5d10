package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/models"
)

// maxWord bounds each of a summary's words, of which there are at most three, in bytes. Temporal's limit of a summary is 400
// bytes, and counts its encoding as well.
const maxWord = 100

func eventAttributes(in DeliverEventInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		attributeTenant.ValueSet(in.Tenant),
		attributeEventType.ValueSet(in.EventType),
		attributeEventID.ValueSet(in.EventID),
	)
}

func deliveryAttributes(in DeliverToSubscriberInput) temporal.SearchAttributes {
	attributes := []temporal.SearchAttributeUpdate{
		attributeTenant.ValueSet(in.Tenant),
		attributeEventType.ValueSet(in.EventType),
		attributeEventID.ValueSet(in.EventID),
		attributeSubscriptionID.ValueSet(in.SubscriptionID),
		attributeReceiver.ValueSet(models.Clip(in.receiver(), models.MaxEventType)),
	}
	if !in.FailingSince.IsZero() {
		attributes = append(attributes, attributeDeliveryStatus.ValueSet(string(retrying)), failingSince(in.FailingSince))
	}
	return temporal.NewSearchAttributes(attributes...)
}

func failingSince(at time.Time) temporal.SearchAttributeUpdate {
	return attributeFailingSince.ValueSet(at.UTC().Format(time.RFC3339))
}

func eventSummary(in DeliverEventInput) string {
	return fmt.Sprintf("%s of tenant %s", code(in.EventType, maxWord), code(in.Tenant, maxWord))
}

func eventDetails(in DeliverEventInput) string {
	return details("Tells every subscriber of an event.",
		"Event type", in.EventType, "Tenant", in.Tenant, "Event", in.EventID)
}

func groupAttributes(in DeliverEventsInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(attributeTenant.ValueSet(in.Tenant))
}

func groupSummary(in DeliverEventsInput) string {
	return fmt.Sprintf("%d events of tenant %s, together", len(in.EventIDs), code(in.Tenant, maxWord))
}

func batchSummary(in DeliverBatchInput) string {
	return fmt.Sprintf("%s of tenant %s, deliveries %d to %d",
		code(in.EventType, maxWord), code(in.Tenant, maxWord), in.From, in.To-1)
}

func deliverySummary(in DeliverToSubscriberInput) string {
	return fmt.Sprintf("%s of tenant %s to %s",
		code(in.EventType, maxWord), code(in.Tenant, maxWord), code(in.receiver(), maxWord))
}

func deliveryDetails(in DeliverToSubscriberInput) string {
	return details("Delivers one event to one subscription.",
		"Event type", in.EventType, "Tenant", in.Tenant, "To", in.receiver(),
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
	return fmt.Sprintf("%s the deliveries of %s, asked for by %s",
		job.Action, code(of, maxWord), code(cmp.Or(job.By, "somebody"), maxWord))
}

// details writes a sentence and a list of names and values as Markdown.
func details(sentence string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(sentence + "\n")
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "\n- %s: %s", pairs[i], code(pairs[i+1], maxDetail))
	}
	return b.String()
}

// maxDetail bounds a word in the details, in bytes.
const maxDetail = 1000

// code writes a foreign text as code in Markdown, on one line: there neither Markdown nor HTML has a meaning, and no address
// becomes a link. It cuts the text to a limit of bytes, as it is encoded in JSON.
func code(words string, limit int) string {
	var b strings.Builder
	for _, r := range words {
		switch {
		case r == '`':
			r = '\'' // the end of the code
		case !unicode.IsPrint(r):
			r = ' '
		}
		if limit -= encodedLen(r); limit < 0 {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
	}
	return "`" + cmp.Or(b.String(), "–") + "`"
}

// encodedLen returns the number of bytes of a printable character in JSON.
func encodedLen(r rune) int {
	if strings.ContainsRune(`<>&"\`, r) {
		return len(`\u003c`)
	}
	return utf8.RuneLen(r)
}
