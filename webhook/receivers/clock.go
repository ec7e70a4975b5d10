package receivers

import (
	"fmt"
	"strconv"
	"time"
)

// clocks holds the formats of a time other than layouts. "" recognises the unit
// by the number of digits: until the year 5138, Unix seconds have at most
// eleven.
var clocks = map[string]func(string) (time.Time, error){
	"":   anyUnix,
	"s":  func(text string) (time.Time, error) { return unix(text, time.Second) },
	"ms": func(text string) (time.Time, error) { return unix(text, time.Millisecond) },
	"us": func(text string) (time.Time, error) { return unix(text, time.Microsecond) },
	"ns": func(text string) (time.Time, error) { return unix(text, time.Nanosecond) },
}

// clockOf returns the function that reads times in the format, or an error if
// the format is neither a clock nor a layout of package time.
func clockOf(as string) (func(string) (time.Time, error), error) {
	if read := clocks[as]; read != nil {
		return read, nil
	}
	if !isLayout(as) {
		return nil, fmt.Errorf("time_as %.40q is none of s, ms, us and ns, and no layout of Go's package time, such as %s", as, time.RFC3339)
	}
	return func(text string) (time.Time, error) { return time.Parse(as, text) }, nil
}

// isLayout reports whether a time that is written by the layout is the same
// when it is read again, at least to the minute.
func isLayout(as string) bool {
	at := time.Date(2017, 11, 23, 13, 46, 57, 0, time.UTC)
	again, err := time.Parse(as, at.Format(as))
	return err == nil && at.Sub(again).Abs() < time.Minute
}

func anyUnix(text string) (time.Time, error) {
	const ms, us, ns = 13, 16, 19
	switch len(text) {
	case ms:
		return unix(text, time.Millisecond)
	case us:
		return unix(text, time.Microsecond)
	case ns:
		return unix(text, time.Nanosecond)
	}
	return unix(text, time.Second)
}

func unix(text string, unit time.Duration) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	each := int64(time.Second / unit)
	return time.Unix(n/each, n%each*int64(unit)), err
}
