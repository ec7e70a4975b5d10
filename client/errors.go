package client

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// These errors say what a failure means for the caller. Test them with
// errors.Is; errors.As with *[Error] has the details.
var (
	// ErrInvalid: the event, or another argument, is at fault and will be
	// refused again: status 400 or 422, data that is not JSON, a batch that is
	// too long, or a text that cannot be an id.
	ErrInvalid = errors.New("posthaste: invalid request")

	// ErrUnauthorized: the API key is missing, wrong or not allowed to do this:
	// status 401 or 403.
	ErrUnauthorized = errors.New("posthaste: unauthorized")

	// ErrNotFound: nothing has this id, or the base URL is not Posthaste's:
	// status 404.
	ErrNotFound = errors.New("posthaste: not found")

	// ErrConflict: the action is impossible in the present state, such as
	// cancelling a delivery that was delivered, or the idempotency key was used
	// before for other content: status 409.
	ErrConflict = errors.New("posthaste: conflict")

	// ErrTooLarge: the event is larger than the server accepts: status 413.
	ErrTooLarge = errors.New("posthaste: too large")

	// ErrUnavailable: no answer, or 429 or 5xx, and the attempts are used up.
	// The event may be fine; try again later with the same idempotency key.
	ErrUnavailable = errors.New("posthaste: unavailable")

	// ErrAnswer: the server reported success in a way this package cannot
	// read: not JSON, too long, or without an id. Often the base URL names
	// something other than Posthaste. The call is not retried.
	ErrAnswer = errors.New("posthaste: unreadable answer")
)

// Error describes a request that failed: by the server's problem document (RFC
// 9457), or by the reason why there was no answer. The zero value describes
// nothing.
type Error struct {
	// Status is the HTTP status; for an item of a batch, the status that it
	// would have had alone; 0 when no answer came.
	Status int

	// Code is the stable name of the problem, for programs; "" if the answer
	// was no problem document, as from a proxy.
	Code Code

	// Detail describes the fault, or the failure of the connection, for people.
	Detail string

	// Field names the part of the request at fault; "" if none is.
	Field string

	// RequestID is the id of the request in the server's log, to report to the
	// server's operators; "" when no answer came, or not from Posthaste. The
	// events of a batch share it.
	RequestID string

	// RetryAfter is the time that the server asked to wait; 0 if it did not
	// ask.
	RetryAfter time.Duration

	cause error // the reason why no answer came
}

// Problem is the body of every refusal, a problem document (RFC 9457). The calls
// of [Client] make an [Error] of it.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"` // of the status
	Status int    `json:"status"`
	Code   Code   `json:"code"`            // for programs
	Detail string `json:"detail"`          // for people
	Field  string `json:"field,omitempty"` // the JSON path or the query parameter at fault
}

// statusOfCode is the server's own table from code to status.
var statusOfCode = map[Code]int{
	CodeInvalid:          http.StatusBadRequest,
	CodeUnauthorized:     http.StatusUnauthorized,
	CodeForbidden:        http.StatusForbidden,
	CodeNotFound:         http.StatusNotFound,
	CodeMethodNotAllowed: http.StatusMethodNotAllowed,
	CodeConflict:         http.StatusConflict,
	CodeTooLarge:         http.StatusRequestEntityTooLarge,
	CodeMediaType:        http.StatusUnsupportedMediaType,
	CodeHost:             http.StatusMisdirectedRequest,
	CodeCrossOrigin:      http.StatusForbidden,
	CodeInternal:         http.StatusInternalServerError,
	CodeBusy:             http.StatusTooManyRequests,
	CodeUnavailable:      http.StatusServiceUnavailable,
}

// Error returns status, code, detail, field and request id in one line.
func (e *Error) Error() string {
	text := "posthaste: no answer"
	if e.Status != 0 {
		text = "posthaste: status " + strconv.Itoa(e.Status)
	}
	if e.Code != "" {
		text += " " + string(e.Code)
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Field != "" {
		text += " (field " + e.Field + ")"
	}
	if e.RequestID != "" {
		text += " [request " + e.RequestID + "]"
	}
	return text
}

// Is matches the sentinel that belongs to the status.
func (e *Error) Is(target error) bool {
	meaning := e.meaning()
	return meaning != nil && target == meaning
}

// Unwrap returns the error of the connection; nil when an answer came.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) meaning() error {
	switch {
	case e.cause != nil, e.Status == http.StatusTooManyRequests, e.Status >= 500:
		return ErrUnavailable
	case e.Status == http.StatusBadRequest, e.Status == http.StatusUnprocessableEntity:
		return ErrInvalid
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return ErrUnauthorized
	case e.Status == http.StatusNotFound:
		return ErrNotFound
	case e.Status == http.StatusConflict:
		return ErrConflict
	case e.Status == http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	}
	return nil
}
