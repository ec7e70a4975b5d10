package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/posthaste/posthaste/worker"
)

// stopTimeout bounds stopping one part. The worker takes longest: it waits for the attempts that it is making.
const stopTimeout = worker.StopTimeout + 5*time.Second

// stack holds the parts that have been started, to be stopped in reverse order.
type stack struct {
	parts []part
	// failed gets the error of the first part that ended by itself.
	failed chan error
}

type part struct {
	name string
	stop func(context.Context) error
}

func newStack() *stack { return &stack{failed: make(chan error, 1)} }

func (s *stack) push(name string, stop func(context.Context) error) {
	s.parts = append(s.parts, part{name: name, stop: stop})
}

// fail reports that a part ended by itself. Only the first report counts.
func (s *stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// wait returns when ctx ends, without an error, or when a part fails.
func (s *stack) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// stop stops all parts, last started first, each with its own deadline, and returns the errors of stopping.
func (s *stack) stop() error {
	var errs []error
	for _, p := range slices.Backward(s.parts) {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		if err := p.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", p.name, err))
		}
		cancel()
	}
	s.parts = nil
	return errors.Join(errs...)
}

// inBackground runs work until its context is cancelled by stopping the part, and then waits for it to end.
func (s *stack) inBackground(name string, work func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		work(ctx)
	}()
	s.push(name, func(deadline context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-deadline.Done():
			return deadline.Err()
		}
	})
}
