package operator

import (
	"errors"
	"strings"
	"time"

	"github.com/posthaste/posthaste/internal/terminal"
)

// when is a time on the command line.
type when struct{ time.Time }

// errWhen is the error for a text that is no time. It names all forms.
var errWhen = errors.New("want a time such as 2026-11-22T08:00:00Z or 2026-11-22, today or yesterday (all in UTC), or how long ago: 90m, 2h, 3d, 2w")

// errAhead is the error for a text that is no time to come. It names all forms.
var errAhead = errors.New("want a time such as 2026-11-22T08:00:00Z or 2026-11-22 (in UTC), or how far ahead: 12h, 90d, 52w")

// UnmarshalText reads RFC 3339, the same without its end (then in UTC), a word, or a duration: 2h is two hours ago.
func (w *when) UnmarshalText(text []byte) error {
	if ago, err := terminal.ParseDuration(string(text)); err == nil {
		w.Time = time.Now().Add(-ago)
		if ago < 0 {
			return errWhen
		}
		return nil
	}
	at, ok := moments(time.Now().UTC())[strings.ToLower(string(text))]
	if ok {
		w.Time = at
		return nil
	}
	for _, layout := range []string{
		time.RFC3339, time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04Z07:00",
	} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			w.Time = at
			return nil
		}
	}
	return errWhen
}

// moments returns the times that have a word.
func moments(now time.Time) map[string]time.Time {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return map[string]time.Time{"now": now, "today": today, "yesterday": today.AddDate(0, 0, -1)}
}

// brief prints a duration as the API does: 5m, where Go says 5m0s.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
