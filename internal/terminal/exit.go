package terminal

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/posthaste/posthaste/client"
)

// These exit codes tell scripts whether trying again may help.
const (
	CodeFailure     = 1
	CodeUsage       = 2 // the command line is wrong, or the server refuses the request
	CodeNotFound    = 3
	CodeConflict    = 4 // conflicts with the current state
	CodeUnavailable = 5 // the server, or something that it needs, cannot be reached
)

// ExitHelp describes the exit codes to users.
const ExitHelp = "Exit codes: 0 done, 1 failed, 2 wrong usage or refused, 3 not found, 4 conflicts with the current state, 5 the server cannot be reached or is not available."

// codedError is an error with an exit code.
type codedError struct {
	error
	code int
}

// Unwrap returns the cause.
func (e codedError) Unwrap() error { return e.error }

// Coded returns the error with an exit code of its own.
func Coded(err error, code int) error { return codedError{err, code} }

// Usage returns the error as an error of the command line, with the exit code CodeUsage.
func Usage(err error) error { return usageError{err} }

// usageError is an error of the command line.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

// CodeOf returns the exit code for an error.
func CodeOf(err error) int {
	if coded, ok := errors.AsType[codedError](err); ok {
		return coded.code
	}
	if errors.Is(err, context.Canceled) {
		return CodeFailure // stopped by Ctrl-C, whatever error the last try had
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return CodeUsage
	}
	for meaning, code := range map[error]int{
		client.ErrInvalid: CodeUsage, client.ErrNotFound: CodeNotFound,
		client.ErrConflict: CodeConflict, client.ErrUnavailable: CodeUnavailable,
	} {
		if errors.Is(err, meaning) {
			return code
		}
	}
	if problem, ok := errors.AsType[*client.Error](err); ok && problem.Status/100 == 4 {
		return CodeUsage // no key, a body too large, and all other refusals of the server
	}
	return CodeFailure
}

// Gravest returns the exit code for several attempts: a failure that a retry may mend comes first, then an unforeseen one.
func Gravest(codes []int) int {
	order := []int{0, CodeConflict, CodeNotFound, CodeUsage, CodeFailure, CodeUnavailable}
	return slices.MaxFunc(codes, func(a, b int) int {
		return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
	})
}
