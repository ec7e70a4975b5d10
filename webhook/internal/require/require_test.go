package require

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// failing is a test that only notes how it failed.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper()           {}
func (f *failing) Fatal(args ...any) { f.text = fmt.Sprint(args...) }

func TestAssertions(t *testing.T) {
	t.Parallel()

	wrapped := fmt.Errorf("open: %w", fs.ErrNotExist)
	var missing *fs.PathError
	asserts := map[string]struct{ holds, fails func(t testing.TB) }{
		"True":           {func(t testing.TB) { True(t, true) }, func(t testing.TB) { True(t, false) }},
		"False":          {func(t testing.TB) { False(t, false) }, func(t testing.TB) { False(t, true) }},
		"Equal":          {func(t testing.TB) { Equal(t, []int{1}, []int{1}) }, func(t testing.TB) { Equal(t, 1, int64(1)) }},
		"NotEqual":       {func(t testing.TB) { NotEqual(t, "a", "b") }, func(t testing.TB) { NotEqual(t, "a", "a") }},
		"JSONEq":         {func(t testing.TB) { JSONEq(t, `{"a":1,"b":2}`, `{"b":2, "a":1}`) }, func(t testing.TB) { JSONEq(t, `1`, `2`) }},
		"Nil":            {func(t testing.TB) { Nil(t, missing) }, func(t testing.TB) { Nil(t, 0) }},
		"Zero":           {func(t testing.TB) { Zero(t, struct{ N int }{}) }, func(t testing.TB) { Zero(t, []int{}) }},
		"Empty":          {func(t testing.TB) { Empty(t, []int{}) }, func(t testing.TB) { Empty(t, "x") }},
		"NotEmpty":       {func(t testing.TB) { NotEmpty(t, "x") }, func(t testing.TB) { NotEmpty(t, map[int]int{}) }},
		"Len":            {func(t testing.TB) { Len(t, "abc", 3) }, func(t testing.TB) { Len(t, []int{1}, 2) }},
		"Contains, text": {func(t testing.TB) { Contains(t, "abc", "b") }, func(t testing.TB) { Contains(t, "abc", "x") }},
		"Contains, element": {
			func(t testing.TB) { Contains(t, []string{"a"}, "a") }, func(t testing.TB) { Contains(t, []string{"ab"}, "a") },
		},
		"NotContains, key": {
			func(t testing.TB) { NotContains(t, map[string]int{"a": 1}, "b") },
			func(t testing.TB) { NotContains(t, map[string]int{"a": 1}, "a") },
		},
		"NoError":       {func(t testing.TB) { NoError(t, nil) }, func(t testing.TB) { NoError(t, wrapped) }},
		"Error":         {func(t testing.TB) { Error(t, wrapped) }, func(t testing.TB) { Error(t, nil) }},
		"ErrorIs":       {func(t testing.TB) { ErrorIs(t, wrapped, fs.ErrNotExist) }, func(t testing.TB) { ErrorIs(t, wrapped, fs.ErrExist) }},
		"ErrorContains": {func(t testing.TB) { ErrorContains(t, wrapped, "open") }, func(t testing.TB) { ErrorContains(t, nil, "") }},
		"EqualError":    {func(t testing.TB) { EqualError(t, errors.New("a"), "a") }, func(t testing.TB) { EqualError(t, wrapped, "open") }},
		"ErrorAs": {
			func(t testing.TB) { ErrorAs(t, &fs.PathError{Err: wrapped}, new(*fs.PathError)) },
			func(t testing.TB) { ErrorAs(t, wrapped, new(*fs.PathError)) },
		},
		"Panics": {func(t testing.TB) { Panics(t, func() { panic("anything") }) }, func(t testing.TB) { Panics(t, func() {}) }},
	}
	for name, assert := range asserts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, bad := &failing{}, &failing{}
			if assert.holds(good); good.text != "" {
				t.Error("fails although it holds:", good.text)
			}
			if assert.fails(bad); bad.text == "" {
				t.Error("does not fail")
			}
		})
	}

	t.Run("says what the caller says", func(t *testing.T) {
		t.Parallel()
		f := &failing{}
		if True(f, false, "row %d", 7); !strings.HasPrefix(f.text, "row 7\n") {
			t.Error(f.text)
		}
	})
}
