package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/posthaste/posthaste/client"
)

// Names of the scenarios that measure throughput alone, and of those that fill the database.
const (
	Throughput = "throughput"
	Fanout     = "fanout"
	Growth     = "growth"
	Retention  = "retention"
)

// Options configures a measurement. Client, Receiver and Control are required.
type Options struct {
	Client   *client.Client // of the API under test
	Publish  *client.Client // publishes the events; it should not retry, because refusals are counted; nil: Client
	Receiver string         // base URL of the receiver, as the server under test reaches it
	Control  string         // base URL of the receiver's control port

	ServerPID int      // of the server under test; 0: its CPU time and writes are not measured
	Postgres  Postgres // its database; without a PID: likewise
	Archive   Archive  // its database, for retention

	Events      int           // of each measurement, for fanout deliveries; 0: the scenario's own number
	Waiting     int           // deliveries of retry-storm; 0: 10,000
	Fanout      []int         // subscribers of the measurements of fanout; empty: 10, 20, 100 and 1,000
	Sizes       []int         // stored events at which growth measures; empty: 10,000, 1 million and 5 million
	Concurrency int           // calls of the API at once; 0: 16
	Subscribers int           // of the tenant that burst hits; 0: 1
	Calm        time.Duration // how long burst publishes slowly before the burst, and after it, and retention without a removal; 0: 10s
	Rate        float64       // events a second of isolation and retention, and of each tenant of burst that is published to slowly; 0: 5
	Duration    time.Duration // after which no measurement sends any more; 0: 5m
	Due         time.Duration // how long after its start the retries of retry-storm come due; 0: 30s and 60ms for each delivery
	Rest        time.Duration // how long retry-storm watches the server wait; 0: 15s
	Timeout     time.Duration // of the subscriber that hangs; 0: 15s
	Patience    time.Duration // how long nothing may arrive before the missing deliveries count as lost; 0: 30s
	Settle      time.Duration // how long duplicates may follow the last arrival; 0: 2s

	Progress func(what string, done, total int) // is told now and then, by one goroutine at a time; nil: nobody is
}

func (o Options) withDefaults() Options {
	o.Publish = cmp.Or(o.Publish, o.Client)
	o.Waiting = cmp.Or(o.Waiting, 10_000)
	o.Concurrency = cmp.Or(o.Concurrency, 16)
	o.Subscribers = cmp.Or(o.Subscribers, 1)
	o.Calm = cmp.Or(o.Calm, 10*time.Second)
	o.Rate = cmp.Or(o.Rate, 5)
	o.Duration = cmp.Or(o.Duration, 5*time.Minute)
	o.Due = cmp.Or(o.Due, 30*time.Second+time.Duration(o.Waiting)*60*time.Millisecond)
	o.Rest = cmp.Or(o.Rest, 15*time.Second)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.Patience = cmp.Or(o.Patience, 30*time.Second)
	o.Settle = cmp.Or(o.Settle, 2*time.Second)
	if len(o.Fanout) == 0 {
		o.Fanout = []int{10, 20, 100, 1000}
	}
	if len(o.Sizes) == 0 {
		o.Sizes = []int{10_000, 1_000_000, 5_000_000}
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return o
}

// bench is a run under way.
type bench struct {
	Options
	receiver remote
	meter    meter
}

// Run runs the named scenarios one after the other, all of them but [Growth] and [Retention] if there are no names. It ends by itself: each wait has
// a bound.
func Run(ctx context.Context, o Options, names ...string) ([]Result, error) {
	if o.Client == nil || o.Receiver == "" || o.Control == "" {
		return nil, errors.New("bench: Client, Receiver and Control are required")
	}
	b := &bench{Options: o.withDefaults(), receiver: remote{control: o.Control}}
	if o.ServerPID != 0 {
		b.meter = append(b.meter, process{name: "server", pid: o.ServerPID})
	}
	if o.Postgres.PID != 0 {
		b.meter = append(b.meter, process{name: "postgres", pid: o.Postgres.PID, work: o.Postgres.Work})
	}
	var all []Result
	for _, s := range scenarios {
		if (s.named || len(names) > 0) && !slices.Contains(names, s.name) {
			continue
		}
		results, err := s.run(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, results...)
	}
	return all, nil
}
