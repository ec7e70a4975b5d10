package models

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is. It is part of the HTTP API: clients switch on it.
type Code string

// The codes. An error that is not an *Error counts as CodeInternal.
const (
	CodeInvalid      Code = "invalid"      // the input breaks a rule; Field says which part
	CodeUnauthorized Code = "unauthorized" // no key, or a wrong one
	CodeNotFound     Code = "not_found"
	CodeConflict     Code = "conflict"    // impossible in the present state
	CodeTooLarge     Code = "too_large"   // the request is over its size limit
	CodeBusy         Code = "busy"        // more at once than can be taken in; try again after a moment
	CodeUnavailable  Code = "unavailable" // something we depend on is away; try again
	CodeInternal     Code = "internal"
)

// Error is the one error type whose text may be shown to callers. The cause of an internal failure never is: it goes
// to the log instead.
type Error struct {
	Code   Code
	Detail string // one sentence for a human
	Field  string // the JSON path of the offending input, empty where none applies
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

// Errorf makes an Error with a formatted detail and no field.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid makes a CodeInvalid error about one field.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// NotFound makes the error for an id that names nothing.
func NotFound(what, id string) *Error {
	return Errorf(CodeNotFound, "there is no %s %q", what, id)
}

// ErrorCode returns the code of the first *Error in err's chain, CodeInternal for any other error, and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
