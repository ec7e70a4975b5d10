package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/posthaste/posthaste/models"
)

// decode fills the struct that target points to from valid JSON. It is stricter than encoding/json, which takes any
// letter case, lets the last of two equal fields win and cannot say where in the value an error lies: here names must
// match exactly and occur once, and every error is a CodeInvalid *models.Error with the path of the offender.
func decode(raw []byte, target any) error {
	return decodeValue(raw, reflect.ValueOf(target).Elem())
}

// decodeValue returns errors whose Field is relative to the value.
func decodeValue(raw json.RawMessage, target reflect.Value) error {
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
	fields := fieldsOf(target)
	return eachMember(raw, func(name string, value json.RawMessage) error {
		field, known := fields[name]
		switch {
		case !known:
			return models.Invalid("", "is not a known field")
		case isNull(value) && !isCustom(field):
			return nil // as good as absent
		}
		return decodeValue(value, field)
	})
}

func decodeMap(raw json.RawMessage, target reflect.Value) error {
	target.Set(reflect.MakeMap(target.Type()))
	return eachMember(raw, func(name string, value json.RawMessage) error {
		element := reflect.New(target.Type().Elem()).Elem()
		if err := decodeElement(value, element); err != nil {
			return err
		}
		target.SetMapIndex(reflect.ValueOf(name), element)
		return nil
	})
}

func decodeSlice(raw json.RawMessage, target reflect.Value) error {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return wrongType(raw, target)
	}
	target.Set(reflect.MakeSlice(target.Type(), len(items), len(items)))
	for i, item := range items {
		if err := decodeElement(item, target.Index(i)); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
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
	if err := json.Unmarshal(raw, target.Addr().Interface()); err != nil {
		return wrongType(raw, target)
	}
	return nil
}

// eachMember calls visit for every member of the object in order, and puts the member's name into its errors.
func eachMember(raw json.RawMessage, visit func(name string, value json.RawMessage) error) error {
	if kindOf(raw) != "an object" {
		return models.Invalid("", "must be an object, not %s", kindOf(raw))
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for decoder.More() {
		name, value, err := nextMember(decoder)
		if err != nil {
			return err
		}
		if seen[name] {
			return models.Invalid(clip(name), "is given twice")
		}
		seen[name] = true
		if err := visit(name, value); err != nil {
			return within(clip(name), err)
		}
	}
	return nil
}

func nextMember(decoder *json.Decoder) (name string, value json.RawMessage, err error) {
	token, err := decoder.Token()
	if err != nil {
		return "", nil, err
	}
	name, _ = token.(string) // in an object, what comes before a value is its name
	return name, value, decoder.Decode(&value)
}

// fieldsOf finds the fields of a struct by their JSON names.
func fieldsOf(target reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value, target.NumField())
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = target.Field(i)
	}
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
func clip(name string) string {
	const limit = 100
	if len(name) <= limit {
		return name
	}
	return strings.ToValidUTF8(name[:limit], "") + "…"
}
