package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	secret, err := d.subscribeDemo(ctx, r.url)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if err := r.trust(secret); err != nil {
		return err
	}
	published, err := d.publishDemo(ctx)
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

func (d demo) publishDemo(ctx context.Context) (*client.Published, error) {
	publisher, err := client.New(d.apiURL(), d.key)
	if err != nil {
		return nil, err
	}
	return publisher.Publish(ctx, client.Event{
		Tenant: demoTenant, Type: demoType, Data: map[string]any{"order": 42, "total": "99.90", "currency": "EUR"},
	})
}

// subscribeDemo registers the receiver and returns its secret. It reuses the subscription of an earlier demo in the data
// folder, whose receiver is gone.
func (d demo) subscribeDemo(ctx context.Context, target string) (string, error) {
	var page struct {
		Data []struct{ ID string }
	}
	if err := d.call(ctx, http.MethodGet, "/v1/subscriptions?tenant="+demoTenant, nil, &page); err != nil {
		return "", err
	}
	var answer struct{ Secret string }
	if len(page.Data) == 0 {
		err := d.call(ctx, http.MethodPost, "/v1/subscriptions", map[string]any{
			"tenant": demoTenant, "name": "demo", "url": target, "event_types": []string{"*"},
		}, &answer)
		return answer.Secret, err
	}
	path := "/v1/subscriptions/" + page.Data[0].ID
	change := map[string]any{"url": target, "status": models.SubscriptionActive}
	if err := d.call(ctx, http.MethodPatch, path, change, nil); err != nil {
		return "", err
	}
	err := d.call(ctx, http.MethodGet, path+"/secret", nil, &answer)
	return answer.Secret, err
}

// call makes one call of our own API.
func (d demo) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, d.apiURL()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+d.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := io.LimitReader(response.Body, models.MaxResponse)
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(answer)
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(answer).Decode(out)
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
