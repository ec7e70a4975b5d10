// Package backlog decides which accepted events start next.
//
// In Temporal, the events of all tenants would wait in one queue. Therefore Temporal gets only a limited number of each
// tenant's events, and the others stay in our database: the backlog. The backlog of one tenant delays the events of another
// tenant by one turn, however long it is.
//
// The package does no I/O: its caller, worker.Dispatcher, reads the events, starts their workflows, and says how that went.
// Only worker imports it; it imports models.
//
// # Two ways to start
//
// A tenant has a limit (DispatcherOptions.Ahead, 1,000) of deliveries in Temporal whose first attempt is outstanding.
//
//   - A tenant below its limit, without a backlog: its new events are admitted, queued in memory, and started at once,
//     without a query.
//   - A tenant that is behind: its new events are left in the store. In its turn, some dozens of its oldest events are
//     started, as far as there is room below the limit.
//
// Where events may share a workflow, the tenant also has slots: two workflows, from each process, that may be under way.
// The workflow of a turn takes all the events that wait, a hundred at most, and the next turn comes when a slot is free. So
// the size of a group follows the load.
//
// A tenant falls behind when it reaches the limit, when its slots are taken, when the queue is full, when a start fails,
// and when a sweep finds accepted events that nobody has started. It has caught up when a turn has read all of its accepted events, has taken
// all that waited, and no further event was left during the turn. While it is behind, its events start from the oldest to
// the newest. As it catches up, at most eight of them may still be starting beside newer ones.
//
// # The states of an event
//
// The store knows two states, accepted and planned. For accepted events, a process distinguishes more:
//
//	                 Admit             Dequeue
//	stored ──────────────────▶ queued ──────────────────────┐
//	   │                          │                         │
//	   │ its tenant               │ its tenant has fallen   │
//	   │ is behind                │ behind, or a full queue │
//	   ▼                          ▼                         ▼
//	┌──────────────────────────────┐     Take     ┌───────────────────┐
//	│           waiting            │ ───────────▶ │      started      │   planned
//	│                              │              │                   │ ──────────▶ out of the backlog
//	│ in the store alone, until it │ ◀─────────── │ or about to be,   │
//	│ is read in its tenant's turn │   PutBack,   │ for a minute      │
//	└──────────────────────────────┘  or a minute └───────────────────┘
//	               ▲                   has passed           │
//	               │                                        │ Refuse, Blame
//	               │ a minute has passed                    ▼
//	               │                              ┌───────────────────┐
//	               └───────────────────────────── │      refused      │
//	                                              └───────────────────┘
//
// An event that is not planned a minute after its start waits again, and is started once more in its tenant's turn. This
// is harmless, since the event's id is its workflow's id. From then on the event is overdue. Refused is an event that
// Temporal refuses, or whose start has failed three times although Temporal was there.
//
// The states are kept as marks in memory, for two minutes and for 100,000 events at most. An event whose mark is lost
// waits.
//
// # How much is in Temporal
//
// The estimate of a tenant grows with every event that is started, by the number of deliveries that an event of the tenant
// usually has. It never shrinks by itself. The store is asked only about tenants that are behind, in their turns, and four
// times a second at most: its count of the outstanding deliveries, and the events that this process has started and the
// turn still reads as accepted, replace the estimate. A tenant that is new to the process may start fifty events before
// that, since an earlier process may have started any number.
//
// An overdue event counts for one delivery, not for the usual number, so that a few events that can never be planned do
// not stop their tenant. While all workers are away, the same events are started again, once a minute, and keep their room.
//
// # What may be exceeded
//
// The order of a tenant's events is not strict between processes, nor for events that were put back or refused. The limit
// may be exceeded
//
//   - by one event that has more subscribers than there is room, since no event is started in part;
//   - by the deliveries to one subscription beyond its share, which the store does not count;
//   - by each process, since it knows only what itself has started: after a restart by fifty events, and by the events
//     that another process has started and nobody has planned;
//   - while events are started once more and planned at the same time, by as many as are planned between two counts;
//   - by the further deliveries of overdue events, which count for one each.
//
// # When something dies
//
// Nothing here is needed for an event to start. The event's row is accepted until it is planned, and a sweep of any process
// marks the tenants of such rows as behind. Every other way is only a shorter one.
//
//   - The process dies before it admits an event, or with the event in its queue, or before Temporal has answered: the row
//     is accepted. The sweep of another process, or of the next one, finds the tenant after three seconds.
//   - The process dies after Temporal has started the workflow: another process may start it again, and finds it running.
//   - A start fails: the event is put back and its tenant is behind. The turn ends, the tenant comes last, and after three
//     failures while Temporal is there the event is refused, so that neither a tenant nor an event holds up another.
//   - Temporal is away: starts fail, and nobody is blamed. The events wait in the order in which they were accepted.
//   - Temporal has lost its data, or somebody has terminated the event's workflow before it was planned: the event stays
//     accepted, and is started once more a minute later.
//   - The store is away: nothing is accepted, and turns fail; the marks and estimates stay.
//   - A workflow does not end, because its workers are away or it cannot go on: it leaves its slot after a minute.
//   - More than 5,000 tenants are behind: one that has no room is evicted. If all have room, the new tenant is not behind,
//     its events stay accepted, and a later sweep finds it.
//   - The clock is set back: events are left with a time that always rises, so the turn still reads them.
//
// # Four mechanisms of fairness
//
// The backlog is one of four mechanisms that keep one tenant, or one subscriber, from delaying the others:
//
//	mechanism                   where                     divides              between
//	--------------------------  ------------------------  -------------------  ------------------------
//	1 limit per tenant, turns   this package              room in Temporal     tenants
//	2 share of a subscription   store.Outstanding (SQL)   a tenant's room      its subscriptions
//	3 fairness key of a task    workflows/options.go      workflow tasks       tenants
//	4 sixteen groups            workflows/options.go      slots for attempts   parts of a tenant's
//	                                                                           subscriptions, and tenants
//
// Mechanisms 1 and 2 decide what enters Temporal, on any Temporal. Mechanisms 3 and 4 decide the order inside, where the
// server's task queues support fairness keys. A subscriber that hangs shows why all are needed: its deliveries fill only
// their share of the tenant's room (2), the tenant at its limit delays no event of another tenant (1), its attempts wait in
// one of sixteen groups for a slot (4), and the workflow tasks of other tenants have their turn meanwhile (3).
package backlog
