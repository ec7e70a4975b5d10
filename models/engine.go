package models

import "time"

// Engine says which Temporal makes the deliveries of a store.
type Engine struct {
	Namespace   string
	NamespaceID string    // Temporal's own id of the namespace, which one of the same name in another cluster does not have
	BoundAt     time.Time // since when; zero for one that is not bound
}

// EngineError says that a store belongs to another Temporal than the one that is to work on it. Two that work on one store
// would each make the same deliveries.
type EngineError struct {
	Bound Engine // whose the store is
	Other Engine // which has been refused
}

func (e *EngineError) Error() string {
	return "this database belongs to Temporal's namespace " + e.Bound.name() + " since " + e.Bound.BoundAt.Format(time.RFC3339) +
		", and the namespace here is " + e.Other.name() + ": start it with the Temporal that it belongs to; or, if that is gone " +
		"or its deliveries are to move here, stop all of its servers and run posthaste migrate release-temporal"
}

func (e Engine) name() string { return e.Namespace + " (" + e.NamespaceID + ")" }

// Health is how something is that Posthaste needs.
type Health string

// The states of health. What is not HealthReady cannot be used at the moment.
const (
	HealthReady    Health = "ready"
	HealthAway     Health = "away"      // it does not answer
	HealthReadOnly Health = "read-only" // it can be read and not written
	HealthFull     Health = "full"      // it is out of disk space
)
