// Package workflows holds the workflows: DeliverEvent plans an event's deliveries and starts one DeliverToSubscriber for
// each of them, through DeliverBatch where there are many. SteerDeliveries carries out a job: one action on many deliveries.
//
//	DeliverEvent "event/<event id>"
//	├─ PlanDeliveries
//	├─ up to 200 deliveries: one child each ──────────────┐
//	└─ more: DeliverBatch "event/<event id>/<from>-<to>" ─┤ again, until a part holds at most 200
//	                                                      ▼
//	                       DeliverToSubscriber "delivery/<delivery id>"
//	                       ├─ AttemptDelivery, until it delivers or nothing is left to try
//	                       └─ signals cancel, redeliver, resume · query state
//
//	SteerDeliveries "<action>/<subject>", "recovery/<recovery id>"
//	├─ Steer, a round of half a minute, until no delivery is left
//	└─ query state; continues as new after a hundred rounds
//
// A parent waits until every child has started, then closes; children live on (ParentClosePolicy ABANDON). A child that
// has not started when its parent closes would never start.
//
// Workflow code is forever: executions that started with today's code are replayed with tomorrow's. It does no I/O, reads
// no clock, uses no random numbers, starts no goroutines of its own; its inputs are ids and small facts; changes go through
// workflow.GetVersion; recorded histories in testdata/replay are replayed in the tests. The names in names.go, the ids
// in models/workflow.go and the JSON of messages.go stand in histories and never change their meaning.
//
// The worker and cmd import this package; it imports activities and models.
package workflows
