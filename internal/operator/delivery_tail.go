package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

const (
	// tailOverlap is the time that consecutive reads of the list overlap: deliveries may appear later than they were
	// created.
	tailOverlap = 10 * time.Second
	// tailKept bounds the deliveries that are remembered, and the deliveries of one read of the list.
	tailKept = 10_000
	// tailLooks bounds the open deliveries that one round looks up.
	tailLooks = 100
)

type deliveriesTailCmd struct {
	DeliveryFlags

	Poll time.Duration `name:"poll" hidden:"" default:"1s"`
}

// Help is the long help of the command.
func (deliveriesTailCmd) Help() string {
	return "Prints a line for each new delivery, and another whenever its status or its number of attempts changes, until it is closed. With -o json, each line is a JSON object. End it with Ctrl-C. If the server is unavailable for a while, tail continues afterwards."
}

// Run implements the command.
func (c *deliveriesTailCmd) Run(ctx context.Context, o *operator) error {
	once, err := o.remote.client(o.answers, client.WithMaxAttempts(1)) // the next round is the retry
	if err != nil {
		return err
	}
	t := tail{
		Client: once, o: o, status: c.Status, from: c.Since.Time, known: map[string]client.Delivery{},
		filter: client.DeliveryFilter{Tenant: c.Tenant, SubscriptionID: c.Subscription, EventType: c.EventType},
	}
	p := patience{w: o.s.Err, every: c.Poll}
	err = p.until(ctx, func() (bool, error) { return false, t.round(ctx) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// tail follows deliveries.
type tail struct {
	*client.Client
	o      *operator
	filter client.DeliveryFilter
	status client.DeliveryStatus
	from   time.Time // where the next read of the list begins; zero before the first
	known  map[string]client.Delivery
	open   []string // ids of the known deliveries that may change; the next to look up first
}

func (t *tail) round(ctx context.Context) error {
	if t.from.IsZero() {
		if err := t.begin(ctx); err != nil {
			return err
		}
	}
	if err := t.lookForNew(ctx); err != nil {
		return err
	}
	return t.lookAgain(ctx)
}

// begin starts at the server's present time, by its own clock: existing deliveries are known and not printed.
func (t *tail) begin(ctx context.Context) error {
	newest, _, err := take(t.Deliveries(ctx, t.page(1)), 1)
	if err != nil {
		return err
	}
	t.from = time.Unix(0, 0)
	if len(newest) == 0 {
		return nil
	}
	from := newest[0].CreatedAt.Add(-tailOverlap)
	recent, err := t.since(ctx, from)
	if err != nil {
		t.from = time.Time{} // begin again
		return err
	}
	t.from = from
	for _, d := range recent {
		t.keep(d.thing)
	}
	return nil
}

func (t *tail) page(size int) client.DeliveryFilter {
	filter := t.filter
	filter.PageSize = size
	return filter
}

// since lists the deliveries that were created since a time, oldest first.
func (t *tail) since(ctx context.Context, from time.Time) ([]received[client.Delivery], error) {
	const largest = 200
	filter := t.page(largest)
	filter.Since = from
	found, more, err := take(withJSON(t.o.answers, t.Deliveries(ctx, filter)), tailKept)
	if more {
		fmt.Fprintf(t.o.s.Err, "more than %d deliveries at once; the older ones are left out\n", tailKept)
	}
	slices.Reverse(found)
	return found, err
}

func (t *tail) lookForNew(ctx context.Context) error {
	found, err := t.since(ctx, t.from)
	if err != nil {
		return err
	}
	for _, d := range found {
		t.note(d)
		if from := d.thing.CreatedAt.Add(-tailOverlap); from.After(t.from) {
			t.from = from
		}
	}
	t.forget()
	return nil
}

// lookAgain looks up the open deliveries in turn, some of them in each round.
func (t *tail) lookAgain(ctx context.Context) error {
	for range min(tailLooks, len(t.open)) {
		id := t.open[0]
		d, err := t.Delivery(ctx, id)
		if err != nil {
			return err
		}
		t.open = t.open[1:]
		t.note(received[client.Delivery]{*d, t.o.answers.json()})
		if d.Open() {
			t.open = append(t.open, id)
		}
	}
	return nil
}

// note prints a delivery if it is new or has changed.
func (t *tail) note(s received[client.Delivery]) {
	d := s.thing
	before, known := t.known[d.ID]
	if known && before.Status == d.Status && before.Attempts == d.Attempts {
		return
	}
	t.keep(d)
	if t.status == "" || t.status == d.Status {
		t.print(s)
	}
}

func (t *tail) keep(d client.Delivery) {
	if _, known := t.known[d.ID]; !known && d.Open() {
		t.open = append(t.open, d.ID)
	}
	t.known[d.ID] = d
}

// forget drops closed deliveries that the list will not show again, and the oldest open ones if there are too many.
func (t *tail) forget() {
	t.open = slices.DeleteFunc(t.open, func(id string) bool { return !t.known[id].Open() })
	if surplus := len(t.open) - tailKept; surplus > 0 {
		fmt.Fprintf(t.o.s.Err, "more than %d open deliveries; %d of them are no longer followed\n", tailKept, surplus)
		t.open = t.open[surplus:]
	}
	followed := make(map[string]bool, len(t.open))
	for _, id := range t.open {
		followed[id] = true
	}
	for id, d := range t.known {
		if d.CreatedAt.Before(t.from) && !followed[id] {
			delete(t.known, id)
		}
	}
}

func (t *tail) print(s received[client.Delivery]) {
	d := s.thing
	if t.o.json {
		var line bytes.Buffer
		_ = json.Compact(&line, s.json) // the client has read it already
		fmt.Fprintln(t.o.s.Out, line.String())
		return
	}
	fmt.Fprintln(t.o.s.Out, terminal.Printable(fmt.Sprintf("%s  %s  %-9s  %2d  %s  %s  %s  %s",
		clock(d.UpdatedAt), d.ID, d.Status, d.Attempts, d.EventType, d.Tenant, d.Receiver, d.LastError)))
}
