package activities

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/models"
)

// These constants are the types of the application errors. They stand in histories: never change one.
const (
	// AttemptFailed is a failure of the receiver: the attempt is recorded and the next one is due after the error's delay.
	AttemptFailed = "AttemptFailed"
	// NotDue means that nothing was sent because the next attempt is due later, after the error's delay.
	NotDue = "NotDue"
	// Exhausted is final: the last attempt of the schedule failed.
	Exhausted = "Exhausted"
	// Cancelled is final: the delivery was cancelled.
	Cancelled = "Cancelled"
	// Gone is final: the row that the activity needs is not in the store.
	Gone = "Gone"
	// Retrying ends the activity, not the delivery: an attempt failed, and the workflow has to know before the next one.
	Retrying = "Retrying"
	// Held is final until the delivery is released: nothing was sent because the subscription is paused.
	Held = "Held"
)

// DeadLetter is the detail of an Exhausted error. Without it the delivery is not kept open.
type DeadLetter struct {
	Hold time.Duration `json:"hold"` // the time for which it is kept open, in nanoseconds
}

// Failing is the detail of a Retrying error.
type Failing struct {
	Since time.Time `json:"since"` // start of the first attempt that failed
}

// Ending is the content of a final error.
type Ending struct {
	Kind    string
	Message string
	Hold    time.Duration // of a dead letter
	Since   time.Time     // of a delivery that is retried
}

// EndingOf reads a final error. For any other error, the ending is empty.
func EndingOf(err error) Ending {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || !app.NonRetryable() {
		return Ending{}
	}
	ending := Ending{Kind: app.Type(), Message: app.Message()}
	if ending.Kind == Retrying {
		var failing Failing
		_ = app.Details(&failing)
		ending.Since = failing.Since
		return ending
	}
	var letter DeadLetter
	_ = app.Details(&letter) // fails for an error without details: such a delivery is not kept open
	ending.Hold = letter.Hold
	return ending
}

// IsAttemptFailed reports whether err says that an attempt was made and failed, and that there will be another one.
func IsAttemptFailed(err error) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.Type() == AttemptFailed
}

// Settled reports whether the answer of AttemptDelivery leaves nothing to do: the delivery is delivered, or was cancelled
// meanwhile.
func Settled(err error) bool { return err == nil || EndingOf(err).Kind == Cancelled }

// IsFinal reports whether err is an error that no retry can mend.
func IsFinal(err error) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.NonRetryable()
}

// retryAfter makes the error of a retry that is due after a delay. It is benign, which keeps a receiver's failures out of
// the worker's error log and metrics.
func retryAfter(kind, message string, delay time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: max(delay, time.Millisecond), // zero would mean "by the retry policy"
		Category:       temporal.ApplicationErrorCategoryBenign,
	})
}

func final(kind, message string, details ...any) error {
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Category:     temporal.ApplicationErrorCategoryBenign,
		Details:      details,
	})
}

// ours wraps a failure of the store, and turns "there is no such row" into a final error. nil stays nil.
func ours(doing string, err error) error {
	if err == nil {
		return nil
	}
	if models.ErrorCode(err) == models.CodeNotFound {
		return final(Gone, fmt.Sprintf("%s: %v", doing, err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}
