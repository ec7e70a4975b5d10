package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
)

const (
	demoTenant = "demo"
	demoType   = "order.paid"
	demoWait   = time.Minute
)

// startDemo sends a sample event to a receiver of its own and shows what arrives.
func (n *node) startDemo(w io.Writer, apiKey string) error {
	r, err := startReceiver()
	if err != nil {
		return fmt.Errorf("the demo's receiver: %w", err)
	}
	n.push("demo receiver", r.stop)
	n.inBackground("demo", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, demoWait)
		defer cancel()
		d := demo{node: n, key: apiKey}
		if err := d.run(ctx, w, r); err != nil && !errors.Is(err, context.Canceled) {
			n.fail(fmt.Errorf("the demo failed: %w", err))
		}
	})
	return nil
}

// demo is a publisher and a subscriber that use the public API.
type demo struct {
	*node
	key string // of the API; empty: it needs none
}

func (d demo) run(ctx context.Context, w io.Writer, r *receiver) error {
	api, err := client.New(d.apiURL(), d.key)
	if err != nil {
		return err
	}
	secret, err := subscribeDemo(ctx, api, r.url)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if err := r.trust(secret); err != nil {
		return err
	}
	published, err := api.Publish(ctx, client.Event{
		Tenant: demoTenant, Type: demoType, Data: map[string]any{"order": 42, "total": "99.90", "currency": "EUR"},
	})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	fmt.Fprintf(w, "\nDemo: %s subscribed to all events of tenant %s; published %s as %s.\n", r.url, demoTenant, demoType, published.ID)
	m, err := r.await(ctx, published.ID)
	if err != nil {
		return err
	}
	d.printArrival(w, m)
	return nil
}

// subscribeDemo registers the receiver and returns its secret. It reuses the subscription of an earlier demo in the data
// folder, whose receiver is gone.
func subscribeDemo(ctx context.Context, api *client.Client, target string) (secret string, err error) {
	for earlier, err := range api.Subscriptions(ctx, client.SubscriptionFilter{Tenant: demoTenant}) {
		if err != nil {
			return "", err
		}
		change := client.SubscriptionFields{URL: target, Status: client.SubscriptionActive}
		if _, err := api.UpdateSubscription(ctx, earlier.ID, change); err != nil {
			return "", err
		}
		return api.Secret(ctx, earlier.ID)
	}
	name := "demo"
	created, err := api.CreateSubscription(ctx, client.SubscriptionFields{
		Tenant: demoTenant, Name: &name, URL: target, EventTypes: []string{"*"},
	})
	if err != nil {
		return "", err
	}
	return created.Secret, nil
}

func (n *node) printArrival(w io.Writer, m arrival) {
	fmt.Fprintf(w, `
A POST arrived:

  webhook-id: %s
  webhook-signature: %s
  X-Webhook-Event: %s
  X-Webhook-Delivery: %s
  X-Webhook-Attempt: %s

  %s

The signature is verified: Standard Webhooks, HMAC-SHA256, with the subscription's secret.
See it in the Web UI:
  event     %s
  delivery  %s
`, m.ID, m.header.Get(webhook.HeaderSignature), m.header.Get("X-Webhook-Event"), m.header.Get("X-Webhook-Delivery"),
		m.header.Get("X-Webhook-Attempt"), m.Body, n.workflowURL(models.EventWorkflowID(m.ID)),
		n.workflowURL(models.DeliveryWorkflowID(m.header.Get("X-Webhook-Delivery"))))
}

// workflowURL returns the URL of a workflow's page in the Web UI.
func (n *node) workflowURL(id string) string {
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", n.uiURL(), n.namespace, url.PathEscape(id))
}
