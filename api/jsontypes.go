package api

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// optional is a field of an input that tells absent, null and given apart. The zero value is absent. The types of package client
// do not tell null from absent, which a PATCH needs; therefore inputs with such fields have types of their own here.
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

// duration is a time.Duration of an input, which is a string such as "15s" in JSON. Its errors are for the caller, which those of
// client.Duration are not.
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

// timestamp is a time of an input: RFC 3339, in any zone and precision.
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

// stamp is t in an answer.
func stamp(t time.Time) client.Timestamp { return client.Timestamp{Time: t} }

// milliseconds is d in milliseconds, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
