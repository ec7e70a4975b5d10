package config

import (
	"errors"
	"regexp"
)

var (
	// repeated is how kong ends an error about a value from the environment: with the value.
	repeated = regexp.MustCompile(`(?s)\(from envar (\w+)=".*"\)`)
	// credentials are what stands before the host of a URL. A password that is not escaped may hold any sign, the @ included.
	credentials = regexp.MustCompile(`://[^\s"]*@`)
)

// Hide takes out of an error about the command line, or about what a setting led to, what may be a password: the value of
// a variable, and what stands before the host of a URL. The error that it returns still is the one it was given.
func Hide(err error) error {
	if err == nil {
		return nil
	}
	text := credentials.ReplaceAllString(repeated.ReplaceAllString(err.Error(), "(from $1)"), "://***@")
	if text == err.Error() {
		return err
	}
	return hidden{cause: err, text: text}
}

// hidden is an error with another text.
type hidden struct {
	cause error
	text  string
}

func (h hidden) Error() string { return h.text }

// Is reports what the cause is. There is no Unwrap, by which somebody might print it.
func (h hidden) Is(target error) bool { return errors.Is(h.cause, target) }

// As finds the cause's types.
func (h hidden) As(target any) bool { return errors.As(h.cause, target) }
