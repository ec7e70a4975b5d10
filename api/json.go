package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/posthaste/posthaste/models"
)

// maxText is far above the longest string that we take, which is models.MaxPEM, however it is escaped. Data is no string to us.
const maxText = 8 * models.MaxPEM

// decode fills the struct that target points to from valid JSON. It is stricter than encoding/json, which takes any
// letter case, lets the last of two equal fields win and cannot say where in the value an error lies: here names must
// match exactly and occur once, and every error is a CodeInvalid *models.Error with the path of the offender. A
// json.RawMessage becomes a part of raw, which so stays in memory as long as it does.
func decode(raw []byte, target any) error {
	return decodeValue(raw, reflect.ValueOf(target).Elem())
}

// decodeValue returns errors whose Field is relative to the value.
func decodeValue(raw json.RawMessage, target reflect.Value) error {
	if part, ok := reflect.TypeAssert[*json.RawMessage](target.Addr()); ok {
		*part = raw
		return nil
	}
	if custom, ok := reflect.TypeAssert[json.Unmarshaler](target.Addr()); ok {
		return custom.UnmarshalJSON(raw)
	}
	switch target.Kind() {
	case reflect.Struct:
		return decodeStruct(raw, target)
	case reflect.Map:
		return decodeMap(raw, target)
	case reflect.Slice:
		return decodeSlice(raw, target)
	default:
		return decodeScalar(raw, target)
	}
}

func decodeStruct(raw json.RawMessage, target reflect.Value) error {
	fields := fieldsOf(target.Type())
	var given uint64 // by place; a struct with more fields than bits would not compile its inputs by hand either
	return eachMember(raw, func(name string, value json.RawMessage) error {
		place, known := fields[name]
		if !known {
			return models.Invalid("", "is not a known field")
		}
		if given&(1<<place) != 0 {
			return models.Invalid("", "is given twice")
		}
		given |= 1 << place
		if field := target.Field(place); !isNull(value) || isCustom(field) { // null is as good as absent
			return decodeValue(value, field)
		}
		return nil
	})
}

func decodeMap(raw json.RawMessage, target reflect.Value) error {
	target.Set(reflect.MakeMap(target.Type()))
	return eachMember(raw, func(name string, value json.RawMessage) error {
		if target.MapIndex(reflect.ValueOf(name)).IsValid() {
			return models.Invalid("", "is given twice")
		}
		element := reflect.New(target.Type().Elem()).Elem()
		if err := decodeElement(value, element); err != nil {
			return err
		}
		target.SetMapIndex(reflect.ValueOf(name), element)
		return nil
	})
}

func decodeSlice(raw json.RawMessage, target reflect.Value) error {
	if kindOf(raw) != "an array" {
		return wrongType(raw, target)
	}
	count, err := countMembers(raw, "elements")
	if err != nil {
		return err
	}
	target.Set(reflect.MakeSlice(target.Type(), count, count))
	i := 0
	for m := range members(raw) {
		if err := decodeElement(m.value, target.Index(i)); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
		i++
	}
	return nil
}

// decodeElement is decodeValue where null is not the same as absent.
func decodeElement(raw json.RawMessage, target reflect.Value) error {
	if isNull(raw) && !isCustom(target) {
		return wrongType(raw, target)
	}
	return decodeValue(raw, target)
}

func decodeScalar(raw json.RawMessage, target reflect.Value) error {
	if target.Kind() == reflect.String && raw[0] == '"' {
		text, err := unquote(raw)
		target.SetString(text)
		return err
	}
	if err := json.Unmarshal(raw, target.Addr().Interface()); err != nil {
		return wrongType(raw, target)
	}
	return nil
}

// unquote returns the text of a JSON string. A text that is far longer than any that we take is refused before it is copied.
func unquote(raw json.RawMessage) (text string, err error) {
	if len(raw) > maxText {
		return "", models.Invalid("", "is longer than %d bytes", maxText)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	return text, json.Unmarshal(raw, &text)
}

// eachMember calls visit for every member of the object in order, and puts the member's name into its errors.
func eachMember(raw json.RawMessage, visit func(name string, value json.RawMessage) error) error {
	if kindOf(raw) != "an object" {
		return models.Invalid("", "must be an object, not %s", kindOf(raw))
	}
	if _, err := countMembers(raw, "members"); err != nil {
		return err
	}
	for m := range members(raw) {
		name, err := unquote(m.name)
		if err != nil {
			return err
		}
		if err := visit(name, m.value); err != nil {
			return within(clip(name), err)
		}
	}
	return nil
}

var fieldsByType sync.Map // of reflect.Type to map[string]int

// fieldsOf finds the places of a struct's fields by their JSON names.
func fieldsOf(t reflect.Type) map[string]int {
	if known, ok := fieldsByType.Load(t); ok {
		return known.(map[string]int)
	}
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = i
	}
	fieldsByType.Store(t, fields)
	return fields
}

func isNull(raw json.RawMessage) bool { return kindOf(raw) == "null" }

func isCustom(target reflect.Value) bool {
	_, ok := reflect.TypeAssert[json.Unmarshaler](target.Addr())
	return ok
}

// within puts err's field under its parent.
func within(parent string, err error) error {
	e, ok := errors.AsType[*models.Error](err)
	if !ok {
		return fmt.Errorf("decode %s: %w", parent, err)
	}
	inner := *e
	switch {
	case inner.Field == "":
		inner.Field = parent
	case strings.HasPrefix(inner.Field, "["):
		inner.Field = parent + inner.Field
	default:
		inner.Field = parent + "." + inner.Field
	}
	return &inner
}

func wrongType(raw json.RawMessage, target reflect.Value) error {
	want := map[reflect.Kind]string{
		reflect.String: "a string", reflect.Bool: "true or false", reflect.Slice: "an array", reflect.Int: "a whole number",
		reflect.Map: "an object", reflect.Struct: "an object",
	}[target.Kind()]
	return models.Invalid("", "must be %s, not %s", want, kindOf(raw))
}

// kindOf names the kind of a JSON value in words.
func kindOf(raw json.RawMessage) string {
	switch trimmed := bytes.TrimLeft(raw, " \t\r\n"); trimmed[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// clip keeps an error readable whose field the caller named.
func clip(name string) string { return clipTo(name, 100) }

func clipTo(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

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

// duration is a time.Duration of an input, which is a string such as "15s" in JSON. Unlike the errors of client.Duration, its
// errors are for the caller.
type duration time.Duration

// UnmarshalJSON reads the form of time.ParseDuration.
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
