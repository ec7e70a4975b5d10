package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/posthaste/posthaste/client"
)

// These exit codes tell scripts whether trying again may help.
const (
	codeFailure     = 1
	codeUsage       = 2 // the command line is wrong, or the server refuses the request
	codeNotFound    = 3
	codeConflict    = 4 // conflicts with the current state
	codeUnavailable = 5 // the server, or something that it needs, cannot be reached
)

const exitHelp = "Exit codes: 0 done, 1 failed, 2 wrong usage or refused, 3 not found, 4 conflicts with the current state, 5 the server cannot be reached or is not available."

// usageError is an error of the command line.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

// codedError is an error with an exit code.
type codedError struct {
	error
	code int
}

// codeOf returns the exit code for an error.
func codeOf(err error) int {
	if coded, ok := errors.AsType[codedError](err); ok {
		return coded.code
	}
	if errors.Is(err, context.Canceled) {
		return codeFailure // stopped by Ctrl-C, whatever error the last try had
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return codeUsage
	}
	for meaning, code := range map[error]int{
		client.ErrInvalid: codeUsage, client.ErrNotFound: codeNotFound,
		client.ErrConflict: codeConflict, client.ErrUnavailable: codeUnavailable,
	} {
		if errors.Is(err, meaning) {
			return code
		}
	}
	if problem, ok := errors.AsType[*client.Error](err); ok && problem.Status/100 == 4 {
		return codeUsage // no key, a body too large, and all other refusals of the server
	}
	return codeFailure
}

// gravest returns the exit code for several attempts: a failure that a retry may mend comes first, then an unforeseen one.
func gravest(codes []int) int {
	order := []int{0, codeConflict, codeNotFound, codeUsage, codeFailure, codeUnavailable}
	return slices.MaxFunc(codes, func(a, b int) int {
		return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
	})
}
