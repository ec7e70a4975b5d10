// Package store keeps events, subscriptions, deliveries, attempts, recoveries, sources and the audit in Postgres or in
// an embedded SQLite file. It is the only place that knows GORM, SQL and the difference between the two databases.
//
// What it promises:
//
//   - A method that has returned without an error has committed to disk: its work survives the end of the process and of
//     the machine.
//   - Every method is one transaction: all of it happened or none of it.
//   - Methods speak models and context. A failure that is the caller's is a *models.Error (not found, conflict); any
//     other is a plain error that wraps its cause and never holds a password, a secret or a payload.
//   - Methods never wait for one another in a circle: each locks an event before a subscription, that before its
//     deliveries, and at last, when it commits, the version of the tenant's subscriptions.
//   - The caches are never stale: a plan or an attempt that begins after a change was committed, in whichever process,
//     works with the change.
//   - Entries of the audit are added, never changed, and removed at the end of their retention only; the database itself
//     refuses anything else.
//   - Times go out in UTC and are exact to the microsecond. Lists are sorted newest first by id.
//   - Signing secrets, custom headers and the credentials of sources are sealed (internal/keyring), bound to the id of
//     their row.
//
// The schema is numbered SQL under migrations/, one folder a dialect, embedded, applied by Migrate and by nothing else.
// storetest holds the suite that both dialects pass.
//
// Only cmd opens a store. Its consumers (api, activities, worker) declare the few methods they need as an interface of
// their own.
package store
