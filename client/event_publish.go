package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// Event is an occurrence to be delivered to every subscriber whose filter
// matches. The server checks it and names the field that it refuses.
type Event struct {
	// Tenant is the owner of the event; "" means "default".
	Tenant string `json:"tenant,omitempty"`

	// Type is dotted, such as order.paid. Required.
	Type string `json:"type"`

	// Data is the content of the event, which subscribers get byte for byte. It
	// is any value that encoding/json can write, with <, > and & left as they
	// are. A [json.RawMessage] is sent byte for byte; nil is the null of
	// encoding/json.
	Data any `json:"data"`

	// Metadata is stored with the event. Optional.
	Metadata map[string]string `json:"metadata,omitempty"`

	// IdempotencyKey identifies this event within its tenant: a second event
	// with the same key and content is not published but answered with the id
	// of the first; with other content it is [ErrConflict]. If it is "", a
	// [Client] makes a key of its own for each call, which protects the retries
	// within that call.
	IdempotencyKey string `json:"idempotency_key"`
}

// Published is an event that the server has made durable.
type Published struct {
	// ID is the event's id, evt_…, which the server makes; receivers see it as
	// the webhook-id header.
	ID string `json:"id"`

	// Tenant and Type are the event's, with the default filled in.
	Tenant string `json:"tenant"`
	Type   string `json:"type"`

	// CreatedAt is the time at which the server accepted the event.
	CreatedAt Timestamp `json:"created_at"`

	// Duplicate says that an event with this idempotency key existed already;
	// the other fields describe that first event. It is also true when an
	// earlier attempt of the same call had arrived but its answer was lost.
	Duplicate bool `json:"duplicate"`

	// Links are the URLs of further calls about this event, by name.
	Links Links `json:"links"`
}

// Publish hands one event to the server and returns once it is durable there.
//
// It retries after transient failures, always with the same idempotency key:
// see the package's promises. Errors are *[Error], or wrap it or one of the
// sentinels; when ctx ends, the error also wraps the error of ctx.
func (c *Client) Publish(ctx context.Context, e Event) (*Published, error) {
	body, err := e.withKey().encode()
	if err != nil {
		return nil, err
	}
	var published Published
	if err := c.post(ctx, "v1/events", body, &published); err != nil {
		return nil, err
	}
	if published.ID == "" {
		return nil, fmt.Errorf("%w: it has no id", ErrAnswer)
	}
	return &published, nil
}

// encode writes the event as the API expects it. The data is inserted by hand:
// encoding/json would rewrite the white space of a RawMessage, and subscribers
// may rely on the bytes.
func (e Event) encode() ([]byte, error) {
	data, err := encodeData(e.Data)
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(struct {
		Tenant         string            `json:"tenant,omitempty"`
		Type           string            `json:"type"`
		Metadata       map[string]string `json:"metadata,omitempty"`
		IdempotencyKey string            `json:"idempotency_key"`
	}{e.Tenant, e.Type, e.Metadata, e.IdempotencyKey})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	body := append(bytes.TrimSuffix(head, []byte("}")), `,"data":`...)
	return append(append(body, data...), '}'), nil
}

func encodeData(data any) ([]byte, error) {
	if raw, ok := data.(json.RawMessage); ok && raw != nil {
		// An unchecked raw value could close the object and add fields to it.
		if !json.Valid(raw) {
			return nil, fmt.Errorf("%w: data is not JSON", ErrInvalid)
		}
		return raw, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // webhooks are not put into web pages
	if err := encoder.Encode(data); err != nil {
		return nil, fmt.Errorf("%w: data: %w", ErrInvalid, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// withKey fills in a missing idempotency key with at least 128 random bits.
func (e Event) withKey() Event {
	if e.IdempotencyKey == "" {
		e.IdempotencyKey = rand.Text()
	}
	return e
}
