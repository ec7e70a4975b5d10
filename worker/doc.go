// Package worker connects the store with Temporal: it runs the workflows and activities, starts a workflow for every
// accepted event, and acts on workflows that run.
//
// cmd imports it. It imports workflows, activities, models and its own worker/backlog, and declares the Store that the
// dispatcher needs.
//
//	            Wake                      start                    ┌───────────────┐
//	api ───────────────▶ ┌──────────────┐ ───────────────────────▶ │               │
//	 │                   │  Dispatcher  │                          │   Temporal    │
//	 │  stored before    │ queue, turns,│ ── Revive, Start ──┐     │               │
//	 ▼                   │ sweeps       │                    ▼     │               │
//	store ─────────────▶ └──────────────┘            ┌─────────┐   │               │
//	        read                                     │ Control │ ─▶│               │
//	api, activities ──── Cancel, Redeliver, … ─────▶ └─────────┘   └───────────────┘
//	                                                                  ▲ polls
//	                                         New: the Temporal worker ┘ runs workflows, activities
//
// # The parts
//
// [New] builds the Temporal worker. Any number of processes may run one. If a worker dies, Temporal gives its tasks to
// another: a workflow is replayed, an activity is retried after its timeout.
//
// [Dispatcher] turns rows of the store into workflows. It has six loops, each of which finds its work in the store, so any
// number of processes may dispatch, and none of them is special:
//
//	loop    every         reads                          does
//	------  ------------  -----------------------------  ---------------------------------------------------
//	wake    Wake          its queue, in memory           starts an event whose tenant is not behind
//	turns   while behind  accepted events of a tenant    starts the oldest events of each tenant in turn, each
//	                                                     alone, or those that wait in one workflow
//	sweep   2 s           tenants with accepted events   marks the tenants of old events as behind
//	revive  1 min         overdue deliveries             starts or signals the workflow of a delivery, or
//	                                                     records who has paused it
//	jobs    10 s          resumptions, stops, recoveries starts the workflow of a job
//	expire  10 min        what is older than its retention removes it from the store, in small batches
//
// Package backlog decides which events the first two start; its comment describes the order, the limit and the fairness
// between tenants. [Control] signals the workflow of a single delivery, starts jobs, and reads histories, for the API and
// for the activities of jobs.
//
// # Guarantees
//
//   - An event whose row is accepted gets a workflow, whatever dies, as soon as Temporal and one dispatcher are there.
//   - An event is planned by one workflow. Its own is "event/" and its id, so that a second start finds the first; if that
//     workflow has ended and the row is still accepted, the store was restored from a backup, and the event is planned
//     again. The workflow of a group has a new id each time; the store decides between it and any other.
//   - A pending delivery whose attempt is overdue has a workflow that is about to make it, or gets one: five minutes after
//     the attempt was due, or as soon as it is due if the row has not changed since this process started.
//   - A job that was requested runs, until its row says that it has ended.
//   - A row that cannot be started holds up no other row: Temporal's refusal is logged (workflow.refused) and passed by, and
//     a failure is left for the next time.
//   - While no start succeeds, dispatcher.stalled is logged once, and dispatcher.resumed afterwards.
//
// # When the process dies
//
//	at this moment                                  what happens
//	----------------------------------------------  --------------------------------------------------------------
//	an event is stored, Wake not called             the sweep of any process finds its tenant after SweepAfter
//	an event is in the queue, or being started      the same; if Temporal has started it, a second start finds it
//	a turn has read or taken events                 the same: nothing was written
//	a delivery is being revived                     the next revive loop finds it overdue again; a start or a signal
//	                                                that Temporal has is idempotent, or one attempt that was due
//	a pause was seen in Temporal, not recorded      the next revive loop sees it
//	a job was requested, not started                the jobs loop of any process starts it within ten seconds
//	a batch of old data is being removed            none of the batch is removed; any process goes on there
//	Control has called Temporal, not answered       the caller does not know whether the signal arrived, and repeats
//	                                                it: the origin of a redelivery makes two calls one, a second
//	                                                cancellation changes nothing
//	Control is between Temporal and the store       Cancel found no workflow and has not changed the row: the caller
//	                                                got no answer, and repeats the call
//	the worker runs an attempt                      Temporal retries after the activity's timeout
//	the process is stopped, not killed              the worker finishes attempts that are being made, for at most
//	                                                StopTimeout; the queue is left to the sweeps
package worker
