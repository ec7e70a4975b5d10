package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/posthaste/posthaste/models"
)

// optional is a field of an input that tells absent, null and given apart. The zero value is absent.
type optional[T any] struct {
	given bool // also when null
	null  bool
	value T // zero unless given and not null
}

// UnmarshalJSON is called only when the field is there.
func (o *optional[T]) UnmarshalJSON(raw []byte) error {
	o.given, o.null = true, isNull(raw)
	if o.null {
		return nil
	}
	return decodeValue(raw, reflect.ValueOf(&o.value).Elem())
}

// set stores the value in target if there is one; null leaves target alone.
func (o optional[T]) set(target *T) {
	if o.given && !o.null {
		*target = o.value
	}
}

// reset stores the value in target if the field was given; null empties target.
func (o optional[T]) reset(target *T) {
	if o.given {
		*target = o.value
	}
}

// duration is a time.Duration that is a string such as "15s" in JSON.
type duration time.Duration

// UnmarshalJSON reads what time.ParseDuration reads.
func (d *duration) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil || isNull(raw) {
		return models.Invalid("", `must be a duration as a string, such as "15s", not %s`, kindOf(raw))
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return models.Invalid("", `%q is not a duration such as "15s", "5m" or "1h30m"`, clip(text))
	}
	*d = duration(parsed)
	return nil
}

// MarshalJSON writes "5m" where time.Duration would say "5m0s".
func (d duration) MarshalJSON() ([]byte, error) {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return json.Marshal(text)
}

// timestamp is a time that is RFC 3339 in JSON: input may have any zone and precision, output is in UTC with milliseconds.
// With omitzero the zero time is left out.
type timestamp time.Time

// UnmarshalJSON leaves t alone for null.
func (t *timestamp) UnmarshalJSON(raw []byte) error {
	if isNull(raw) {
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return models.Invalid("", `must be a time as a string, such as "2006-01-02T15:04:05Z", not %s`, kindOf(raw))
	}
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return models.Invalid("", `%q is not a time such as "2006-01-02T15:04:05Z"`, clip(text))
	}
	*t = timestamp(parsed.UTC())
	return nil
}

// IsZero makes omitzero work.
func (t timestamp) IsZero() bool { return time.Time(t).IsZero() }

// MarshalJSON writes models.TimeFormat.
func (t timestamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format(models.TimeFormat))
}

// milliseconds is d in milliseconds, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
