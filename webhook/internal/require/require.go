// Package require has the few assertions that the tests of this module use. The module depends on no other module, and a
// library for its tests would become a dependency of everybody who imports it. Names and meanings are as in
// github.com/stretchr/testify/require, which the rest of the repository uses: an assertion that fails ends its test.
//
// Modules client and webhook hold the same file.
package require

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// check ends the test with the text of format and args unless ok. The message of the caller, if any, stands first.
func check(t testing.TB, ok bool, message []any, format string, args ...any) {
	t.Helper()
	if ok {
		return
	}
	text := fmt.Sprintf(format, args...)
	if len(message) > 0 {
		text = fmt.Sprintf(fmt.Sprint(message[0]), message[1:]...) + "\n" + text
	}
	t.Fatal(text)
}

// True fails unless value is true.
func True(t testing.TB, value bool, message ...any) {
	t.Helper()
	check(t, value, message, "want true")
}

// False fails if value is true.
func False(t testing.TB, value bool, message ...any) {
	t.Helper()
	check(t, !value, message, "want false")
}

// Equal fails unless the two are deeply equal and of the same type.
func Equal(t testing.TB, want, got any, message ...any) {
	t.Helper()
	check(t, reflect.DeepEqual(want, got), message, "want %#v\ngot  %#v", want, got)
}

// NotEqual fails if the two are deeply equal and of the same type.
func NotEqual(t testing.TB, other, got any, message ...any) {
	t.Helper()
	check(t, !reflect.DeepEqual(other, got), message, "want anything else than %#v", got)
}

// JSONEq fails unless the two texts are the same JSON value.
func JSONEq(t testing.TB, want, got string, message ...any) {
	t.Helper()
	var wanted, gotten any
	NoError(t, json.Unmarshal([]byte(want), &wanted), message...)
	NoError(t, json.Unmarshal([]byte(got), &gotten), message...)
	Equal(t, wanted, gotten, message...)
}

// Nil fails unless value is nil or holds nil.
func Nil(t testing.TB, value any, message ...any) {
	t.Helper()
	check(t, isNil(value), message, "want nil, got %#v", value)
}

func isNil(value any) bool {
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Interface, reflect.Map, reflect.Slice, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}

// Zero fails unless value is the zero value of its type.
func Zero(t testing.TB, value any, message ...any) {
	t.Helper()
	v := reflect.ValueOf(value)
	check(t, !v.IsValid() || v.IsZero(), message, "want the zero value, got %#v", value)
}

// Empty fails unless value is nothing: the zero value of its type, or without elements.
func Empty(t testing.TB, value any, message ...any) {
	t.Helper()
	check(t, isEmpty(value), message, "want nothing, got %#v", value)
}

// NotEmpty fails if value is nothing, as [Empty] has it.
func NotEmpty(t testing.TB, value any, message ...any) {
	t.Helper()
	check(t, !isEmpty(value), message, "want something, got %#v", value)
}

func isEmpty(value any) bool {
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Map, reflect.Slice, reflect.Chan:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

// Len fails unless value, which has elements, has so many.
func Len(t testing.TB, value any, length int, message ...any) {
	t.Helper()
	got := reflect.ValueOf(value).Len()
	check(t, got == length, message, "want %d elements, got %d: %#v", length, got, value)
}

// Contains fails unless part is a substring of whole, an element or a key of it.
func Contains(t testing.TB, whole, part any, message ...any) {
	t.Helper()
	check(t, contains(whole, part), message, "%#v does not contain %#v", whole, part)
}

// NotContains fails if part is a substring of whole, an element or a key of it.
func NotContains(t testing.TB, whole, part any, message ...any) {
	t.Helper()
	check(t, !contains(whole, part), message, "%#v contains %#v", whole, part)
}

func contains(whole, part any) bool {
	v := reflect.ValueOf(whole)
	switch v.Kind() {
	case reflect.String:
		return strings.Contains(v.String(), reflect.ValueOf(part).String())
	case reflect.Map:
		return v.MapIndex(reflect.ValueOf(part)).IsValid()
	default:
		for i := range v.Len() {
			if reflect.DeepEqual(v.Index(i).Interface(), part) {
				return true
			}
		}
		return false
	}
}

// NoError fails if there is an error.
func NoError(t testing.TB, err error, message ...any) {
	t.Helper()
	check(t, err == nil, message, "want no error, got: %v", err)
}

// Error fails unless there is an error.
func Error(t testing.TB, err error, message ...any) {
	t.Helper()
	check(t, err != nil, message, "want an error")
}

// ErrorIs fails unless [errors.Is] finds target in err.
func ErrorIs(t testing.TB, err, target error, message ...any) {
	t.Helper()
	check(t, errors.Is(err, target), message, "want the error %v, got: %v", target, err)
}

// ErrorAs fails unless [errors.As] finds a target in err.
func ErrorAs(t testing.TB, err error, target any, message ...any) {
	t.Helper()
	check(t, errors.As(err, target), message, "want an error of type %T, got: %v", target, err)
}

// ErrorContains fails unless there is an error whose text has the part.
func ErrorContains(t testing.TB, err error, part string, message ...any) {
	t.Helper()
	check(t, err != nil && strings.Contains(err.Error(), part), message, "want an error with %q, got: %v", part, err)
}

// EqualError fails unless there is an error with exactly this text.
func EqualError(t testing.TB, err error, text string, message ...any) {
	t.Helper()
	check(t, err != nil && err.Error() == text, message, "want the error %q, got: %v", text, err)
}

// Panics fails unless call panics.
func Panics(t testing.TB, call func(), message ...any) {
	t.Helper()
	panicked := true
	func() {
		defer func() { _ = recover() }()
		call()
		panicked = false
	}()
	check(t, panicked, message, "want a panic")
}
