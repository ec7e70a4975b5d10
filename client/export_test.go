package client

import (
	"context"
	"time"
)

// WithSleep replaces the pauses between attempts.
func WithSleep(sleep func(context.Context, time.Duration) error) Option {
	return func(c *Client) { c.sleep = sleep }
}

// WithClock replaces the present time.
func WithClock(now func() time.Time) Option { return func(c *Client) { c.now = now } }

// WithRandom replaces chance by a number from 0 to just below 1.
func WithRandom(r float64) Option { return func(c *Client) { c.random = func() float64 { return r } } }

// MaxAnswer is how many bytes of an answer are read.
const MaxAnswer = maxAnswer
