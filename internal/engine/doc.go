// Package engine runs a Temporal server, and its Web UI, inside our process, so
// that Posthaste needs nothing beside it.
//
//	            ┌──────────────── one process ────────────────┐
//	worker ───▶ │ frontend ─▶ history, matching, worker       │ ─▶ Store
//	browser ──▶ │ Web UI ───▶ frontend                        │    SQLite file or Postgres
//	            └─────────────────────────────────────────────┘
//
// [Start] returns when workflows can be started: the database has its schema,
// the namespace exists and its search attributes can be queried. [Engine.Stop]
// is its opposite. What was running when the process ended, by Stop or by
// kill -9, goes on after the next Start on the same [Store].
//
// # What it promises
//
//   - State is on disk before Temporal acknowledges it.
//   - One engine per store: a second one is refused instead of fighting the first
//     for its shards.
//   - A taken port is an error ([*ListenError]) before anything else happens.
//   - The server's log comes through the given slog.Logger, warnings and errors
//     only, and a normal start and stop says nothing at all.
//   - The password of a Postgres URL appears in no error and no log line.
//
// # What it does not do
//
// There is no authentication: whoever reaches the frontend's or the UI's port may
// do everything. Bind them to loopback, or put something in front. It is one
// node: to scale out, run a Temporal cluster and point Posthaste at it.
//
// # Who may import it
//
// Only cmd and the end-to-end tests: linking the server takes minutes when the
// build cache is cold, and hundreds of megabytes. In return, no other package
// imports go.temporal.io/server or the ui-server, and this one imports no other
// package of Posthaste.
package engine
