package main

import (
	"context"
	"errors"
	"time"
)

// when is a time on the command line.
type when struct{ time.Time }

// UnmarshalText takes RFC 3339, or a duration such as 2h for two hours ago.
func (w *when) UnmarshalText(text []byte) error {
	if ago, err := time.ParseDuration(string(text)); err == nil && ago >= 0 {
		w.Time = time.Now().Add(-ago)
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return errors.New("want a time such as 2026-11-22T08:00:00Z, or a duration such as 2h for two hours ago")
	}
	w.Time = at
	return nil
}

// sleep waits, or returns ctx's error when it ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
