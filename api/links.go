package api

import (
	"net/url"
	"strconv"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

func eventPath(id string) string        { return "/v1/events/" + id }
func subscriptionPath(id string) string { return "/v1/subscriptions/" + id }
func deliveryPath(id string) string     { return "/v1/deliveries/" + id }
func sourcePath(id string) string       { return "/v1/sources/" + id }
func recoveryPath(id string) string     { return "/v1/recoveries/" + id }
func erasurePath(id string) string      { return "/v1/erasures/" + id }
func keyPath(id string) string          { return "/v1/keys/" + id }

// deliveriesPath lists the deliveries of an event, from the newest or after the cursor's place.
func deliveriesPath(eventID, cursor string) string {
	path := "/v1/deliveries?event_id=" + eventID
	if cursor != "" {
		path += "&limit=" + strconv.Itoa(models.MaxPageLimit) + "&cursor=" + cursor
	}
	return path
}

// workflowURL shows the workflow with the id. It is empty where the Web UI is not known.
func (s *server) workflowURL(id string) string {
	if s.UIURL == "" || s.Namespace == "" {
		return ""
	}
	return s.UIURL + "/namespaces/" + url.PathEscape(s.Namespace) + "/workflows/" + url.PathEscape(id)
}

func (s *server) eventLinks(e *models.Event) client.Links {
	return client.Links{Self: eventPath(e.ID), Deliveries: deliveriesPath(e.ID, ""), Workflow: s.workflowURL(e.WorkflowID())}
}

func (s *server) deliveryLinks(d *models.Delivery) client.Links {
	return client.Links{
		Self:         deliveryPath(d.ID),
		Event:        eventPath(d.EventID),
		Subscription: subscriptionPath(d.SubscriptionID),
		Attempts:     deliveryPath(d.ID) + "/attempts",
		Runs:         deliveryPath(d.ID) + "/runs",
		Workflow:     s.workflowURL(models.DeliveryWorkflowID(d.ID)),
	}
}

func subscriptionLinks(sub *models.Subscription) client.Links {
	return client.Links{
		Self:       subscriptionPath(sub.ID),
		Deliveries: "/v1/deliveries?subscription_id=" + sub.ID,
	}
}

// jobLinks lead to the subscription, event or recovery that the job serves.
func (s *server) jobLinks(job models.Job) client.Links {
	l := client.Links{Workflow: s.workflowURL(job.WorkflowID())}
	switch {
	case job.Selection.EventID != "":
		l.Self = eventPath(job.Selection.EventID)
	case job.Selection.SubscriptionID != "":
		l.Self = subscriptionPath(job.Selection.SubscriptionID)
	default:
		l.Deliveries = "/v1/deliveries?tenant=" + url.QueryEscape(job.Selection.Tenant)
	}
	return l
}

func (s *server) recoveryLinks(r *models.Recovery) client.Links {
	return client.Links{
		Self:         recoveryPath(r.ID),
		Subscription: subscriptionPath(r.SubscriptionID),
		Workflow:     s.workflowURL(models.RecoveryWorkflowID(r.ID)),
	}
}
