package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// SubscriptionFlags are the flags that set the fields of a subscription.
type SubscriptionFlags struct {
	Name          *string                   `name:"name" placeholder:"WORDS" help:"Name for people."`
	EventTypes    []string                  `name:"event-types" placeholder:"PATTERN" help:"Event types to receive, for example order.paid, order.* or *."`
	Header        map[string]string         `name:"header" mapsep:"none" placeholder:"NAME=VALUE" help:"Header to send with every attempt; may be repeated.${replaces}"`
	Forward       []string                  `name:"forward-headers" placeholder:"PATTERN" help:"Headers of a source's webhook to forward, for example X-Shopify-*, or none (default: *)."`
	Signature     client.Signature          `name:"signature" placeholder:"NAME" help:"Signature: standard, standard-ed25519, github, stripe, aspnet or servicestack."`
	Payload       client.Payload            `name:"payload" placeholder:"FORM" help:"Form of the body: envelope, data or cloudevents."`
	Timeout       time.Duration             `name:"timeout" placeholder:"DURATION" help:"Limit for a whole attempt."`
	RetrySchedule []time.Duration           `name:"retry-schedule" placeholder:"DURATION" help:"Waits between attempts, for example 5s,5m,2h,1d."`
	Status        client.SubscriptionStatus `name:"status" enum:",active,paused,disabled" default:"" placeholder:"STATUS" help:"Status: active, paused or disabled."`
	From          string                    `name:"from" placeholder:"@FILE" help:"JSON with any fields of the API, for example auth, tls, properties or secret: @FILE, or - for standard input. Flags override it."`
}

// fields returns the fields of --from, with the values of the flags over them.
func (f *SubscriptionFlags) fields(s terminal.Streams) (client.SubscriptionFields, error) {
	fields, err := from[client.SubscriptionFields](s, f.From)
	if err != nil {
		return fields, err
	}
	if f.Name != nil {
		fields.Name = f.Name
	}
	if len(f.EventTypes) > 0 {
		fields.EventTypes = f.EventTypes
	}
	if len(f.Header) > 0 {
		fields.Headers = f.Header
	}
	if len(f.Forward) > 0 {
		fields.ForwardHeaders = forwarded(f.Forward)
	}
	if len(f.RetrySchedule) > 0 {
		fields.RetrySchedule = durations(f.RetrySchedule)
	}
	fill(&fields.Signature, f.Signature)
	fill(&fields.Payload, f.Payload)
	fill(&fields.Timeout, client.Duration(f.Timeout))
	fill(&fields.Status, f.Status)
	return fields, nil
}

// forwarded reads the word none as an empty list, which a flag cannot hold.
func forwarded(patterns []string) []string {
	if slices.Equal(patterns, []string{"none"}) {
		return []string{}
	}
	return patterns
}

// from reads fields as JSON, if there are any.
func from[T any](s terminal.Streams, name string) (fields T, err error) {
	if name == "" {
		return fields, nil
	}
	text, err := argument(s, name)
	if err != nil {
		return fields, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&fields); err != nil {
		return fields, terminal.Usage(fmt.Errorf("--from: %w", err))
	}
	return fields, nil
}

// fill sets the field to the value, if there is one.
func fill[T comparable](field *T, value T) {
	var none T
	if value != none {
		*field = value
	}
}

func durations(all []time.Duration) []client.Duration {
	converted := make([]client.Duration, len(all))
	for i, d := range all {
		converted[i] = client.Duration(d)
	}
	return converted
}

type subscriptionsCreateCmd struct {
	SubscriptionFlags `set:"replaces="`

	Receiver string `arg:"" name:"receiver" help:"URL of the receiver."`
	Tenant   string `name:"tenant" placeholder:"NAME" help:"Tenant whose events it receives (default: default)."`
}

// Run implements the command.
func (c *subscriptionsCreateCmd) Run(ctx context.Context, o *operator) error {
	fields, err := c.fields(o.s)
	if err != nil {
		return err
	}
	fields.URL = c.Receiver
	fill(&fields.Tenant, c.Tenant)
	sub, err := o.CreateSubscription(ctx, fields)
	if err != nil {
		return err
	}
	return subscriptionLayout.print(o, *sub)
}

type subscriptionsUpdateCmd struct {
	SubscriptionFlags `set:"replaces= Replaces all existing ones."`

	ID       string   `arg:"" help:"Id of the subscription."`
	Receiver string   `name:"receiver" placeholder:"URL" help:"URL of the receiver."`
	SignWith string   `name:"sign-with" enum:",previous,new" default:"" placeholder:"WHICH" help:"Secret that signs during the rest of a rotation's grace, if the signature header holds only one: previous or new."`
	Reset    []string `name:"reset" placeholder:"FIELD" help:"Field to reset to its default: headers, forward_headers, properties, auth, tls or retry_schedule."`
}

// Run implements the command.
func (c *subscriptionsUpdateCmd) Run(ctx context.Context, o *operator) error {
	fields, err := c.fields(o.s)
	if err != nil {
		return err
	}
	fill(&fields.URL, c.Receiver)
	fill(&fields.SignWith, c.SignWith)
	sub, err := o.UpdateSubscription(ctx, c.ID, fields, c.Reset...)
	if err != nil {
		return err
	}
	return subscriptionLayout.print(o, *sub)
}

var subscriptionLayout = layout[client.Subscription]{
	columns: []string{"id", "tenant", "status", "failing_since", "name", "event_types", "url"},
	fields: func(s client.Subscription) []field {
		fields := []field{
			{"id", s.ID},
			{"tenant", s.Tenant},
			{"name", s.Name},
			{"url", s.URL},
			{"event_types", strings.Join(s.EventTypes, " ")},
			{"status", string(s.Status)},
			{"disabled_reason", s.DisabledReason},
			{"failing_since", clock(s.FailingSince)},
			{"paused_at", clock(s.PausedAt)},
			{"paused_by", s.PausedBy},
			{"paused_reason", s.PausedReason},
			{"held", heldCount(s.Held)},
			{"resume_rate", count(s.ResumeRate)},
			{"signature", string(s.Signature)},
			{"sign_with", s.SignWith},
			{"previous_expires_at", clocks(s.PreviousExpiresAt)},
			{"payload", string(s.Payload)},
			{"timeout", brief(time.Duration(s.Timeout))},
			{"retry_schedule", briefly(s.RetrySchedule)},
			{"forward_headers", strings.Join(s.ForwardHeaders, " ")},
			{"auth", authType(s.Auth)},
			{"created_at", clock(s.CreatedAt)},
			{"updated_at", clock(s.UpdatedAt)},
			{"secret", s.Secret},
			{"public_key", s.PublicKey},
		}
		return append(fields, entries("headers.", s.Headers)...)
	},
}

// briefly prints durations as the API documents them.
func briefly(all []client.Duration) string {
	words := make([]string, len(all))
	for i, d := range all {
		words[i] = brief(time.Duration(d))
	}
	return strings.Join(words, " ")
}

func clocks(times []client.Timestamp) string {
	words := make([]string, len(times))
	for i, at := range times {
		words[i] = clock(at)
	}
	return strings.Join(words, " ")
}

// heldCount prints the number of held deliveries; empty where none can be held.
func heldCount(held *int) string {
	if held == nil {
		return ""
	}
	return strconv.Itoa(*held)
}

func authType(a *client.Auth) string {
	if a == nil {
		return ""
	}
	return string(a.Type)
}

// entries makes a field of each entry, in the order of their names.
func entries(prefix string, all map[string]string) []field {
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fields = append(fields, field{prefix + name, all[name]})
	}
	return fields
}
