package config

import (
	"errors"
	"regexp"
)

var (
	// repeated matches the end of kong's error about a value from the environment, which repeats the value.
	repeated = regexp.MustCompile(`(?s)\(from envar (\w+)=".*"\)`)
	// credentials matches the user and password of a URL. An unescaped password may hold any character, even an @.
	credentials = regexp.MustCompile(`://[^\s"]*@`)
)

// Hide removes possible passwords from an error about the command line, or about the effect of a setting: the value of a
// variable, and the user and password of a URL. errors.Is and errors.As still find the given error in the result.
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

// Is compares the target with the cause. There is no Unwrap, because somebody might print the cause.
func (h hidden) Is(target error) bool { return errors.Is(h.cause, target) }

// As finds the target's type in the cause.
func (h hidden) As(target any) bool { return errors.As(h.cause, target) }
