package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

var quiet = slog.New(slog.DiscardHandler)

// devHere starts dev in this process, for tests that look at Temporal or the store directly.
func devHere(t *testing.T) *node {
	t.Helper()
	return devHolding(t, 24*time.Hour)
}

// devHolding is devHere with another dead-letter hold.
func devHolding(t *testing.T, hold time.Duration) *node {
	t.Helper()
	c := devCmd{
		API:      config.API{Listen: "127.0.0.1:0", MaxBody: 1 << 20},
		DevStore: config.DevStore{Data: t.TempDir()},
		Delivery: config.Delivery{DeadLetterHold: hold},
		Engine:   config.Engine{TemporalListen: "127.0.0.1:0", UIListen: "127.0.0.1:0", HistoryRetention: 24 * time.Hour},
	}
	n := newNode(quiet)
	t.Cleanup(func() { require.NoError(t, n.stop()) })
	require.NoError(t, c.start(t.Context(), n))
	return n
}

// subscribe stores a subscription of the receiver for all events.
func (n *node) subscribe(t *testing.T, url string, schedule ...time.Duration) *models.Subscription {
	t.Helper()
	sub := models.NewSubscription(models.Subscription{
		URL: url, EventTypes: []string{"*"}, RetrySchedule: schedule,
		Secrets: []models.Secret{{Value: webhook.NewSecret().Reveal()}},
	}, time.Now())
	require.NoError(t, n.store.CreateSubscription(t.Context(), sub))
	return sub
}

// accept stores an event and wakes nobody.
func (n *node) accept(t *testing.T) *models.Event {
	t.Helper()
	event := models.NewEvent(models.Event{Type: "order.paid", Data: []byte(`{"order":42}`)}, time.Now())
	created, err := n.store.CreateEvents(t.Context(), []*models.Event{event})
	require.NoError(t, err)
	require.NoError(t, created[0].Err)
	return event
}

// count is the number of deliveries of the event in the status.
func (n *node) count(t *testing.T, eventID string, status models.DeliveryStatus) (count int) {
	t.Helper()
	filter := models.DeliveryFilter{EventID: eventID, Status: status, Page: models.Page{Limit: models.MaxPageLimit}}
	for {
		page, err := n.store.Deliveries(t.Context(), filter)
		require.NoError(t, err)
		count += len(page)
		if len(page) < models.MaxPageLimit {
			return count
		}
		filter.Page.After = page[len(page)-1].ID
	}
}

// history reads the whole history of a workflow's latest run.
func (n *node) history(t *testing.T, workflowID string) *historypb.History {
	t.Helper()
	history := &historypb.History{}
	events := n.temporal.GetWorkflowHistory(t.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		history.Events = append(history.Events, event)
	}
	return history
}

// list finds workflows by a visibility query.
func (n *node) list(t *testing.T, query string) (ids []string) {
	t.Helper()
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: 1000}
	for {
		page, err := n.temporal.ListWorkflow(t.Context(), request)
		require.NoError(t, err)
		for _, execution := range page.GetExecutions() {
			ids = append(ids, execution.GetExecution().GetWorkflowId())
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return ids
		}
	}
}
