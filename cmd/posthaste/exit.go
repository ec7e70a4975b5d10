package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/posthaste/posthaste/client"
)

// Exit codes. Scripts tell by them whether asking again may help.
const (
	codeFailure     = 1
	codeUsage       = 2 // what was asked makes no sense to us, or the server refuses it
	codeNotFound    = 3
	codeConflict    = 4 // conflicts with the current state
	codeUnavailable = 5 // the server cannot be reached, or something it needs is away
)

const exitHelp = "Exit codes: 0 done, 1 failed, 2 wrong usage or refused, 3 not found, 4 conflicts with the current state, 5 the server cannot be reached or is not available."

// usageError is an error of the command line.
type usageError struct{ error }

// Unwrap gives what is wrong with it.
func (e usageError) Unwrap() error { return e.error }

// codedError is an error that knows its exit code.
type codedError struct {
	error
	code int
}

// codeOf is the exit code for an error.
func codeOf(err error) int {
	if coded, ok := errors.AsType[codedError](err); ok {
		return coded.code
	}
	if errors.Is(err, context.Canceled) {
		return codeFailure // stopped by Ctrl-C, whatever the last try had met
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
		return codeUsage // no key, a body too large, and whatever else the server refuses
	}
	return codeFailure
}

// gravest picks the code for several things that were tried: what a further try may mend comes first, then what nobody
// has foreseen.
func gravest(codes []int) int {
	order := []int{0, codeConflict, codeNotFound, codeUsage, codeFailure, codeUnavailable}
	return slices.MaxFunc(codes, func(a, b int) int {
		return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
	})
}
