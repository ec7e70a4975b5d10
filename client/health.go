package client

// Health says that a process of the server lives.
type Health struct {
	Status  string `json:"status"` // ok, or ready
	Version string `json:"version,omitempty"`
}

// PartHealth is the state of a part that the server needs.
type PartHealth string

// The states of a part.
const (
	PartReady    PartHealth = "ready"
	PartAway     PartHealth = "away"      // it does not answer
	PartReadOnly PartHealth = "read-only" // it can be read, and not written
	PartFull     PartHealth = "full"      // there is no room on its disk
)

// Parts are the parts that the server needs. Events are accepted, and wait,
// while Temporal is away.
type Parts struct {
	Store    PartHealth `json:"store"`
	Temporal PartHealth `json:"temporal"`
	Disk     PartHealth `json:"disk"` // of the store
}

// Readiness says that a load balancer should send requests to the process.
type Readiness struct {
	Health
	Parts
}

// Unready says why a load balancer should send no requests to the process.
type Unready struct {
	Problem
	Parts
}
