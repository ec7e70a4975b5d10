package client

import (
	"context"
	"fmt"
)

// Stats says how far the server's deliveries are behind the events that it
// accepted.
type Stats struct {
	Backlog Backlog `json:"backlog"`
}

// Backlog describes the events whose deliveries are not planned yet.
type Backlog struct {
	Events   int       `json:"events"`
	OldestAt Timestamp `json:"oldest_at,omitzero"` // zero if there is none
	Age      Duration  `json:"age"`                // of the oldest event
}

// Stats measures the server's backlog.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	var answer struct {
		Backlog *Backlog `json:"backlog"`
	}
	if err := c.get(ctx, "v1/stats", nil, &answer); err != nil {
		return nil, err
	}
	if answer.Backlog == nil {
		return nil, fmt.Errorf("%w: it has no backlog", ErrAnswer)
	}
	return &Stats{*answer.Backlog}, nil
}
