// Package activities does the work of the workflows: it plans an event's deliveries, makes one attempt, and records the
// outcome. Each file has one verb; the inputs and results stand above their method.
//
// A method's name is its name in Temporal's histories: never rename one. Inputs, results and errors carry ids and
// small facts only, never a payload, a header's value or a secret, since Temporal keeps and shows them.
//
// Failures are of three classes that never mix. Theirs (the receiver's): recorded as an attempt, uses up the schedule,
// returned as a retryable error whose delay is the schedule's. Ours (database away, a bug): a plain error, retried by
// Temporal, records nothing and uses up nothing. Final (exhausted, cancelled, gone): not retried, see errors.go.
//
// The workflows and the worker import this package. It declares the Store and the Courier it needs.
package activities
