package receivers

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// findJSON returns the strings, numbers and booleans at a path of the document.
// It neither checks that the document is JSON nor decodes all of it: it skips
// to the path. In a broken document it may find any text, but it never does
// more work than one pass over the document for each step of the path. Of two
// members with the same name the last counts, as in encoding/json.
func findJSON(document []byte, path []string) []string {
	var found []string
	looked := 0
	walkJSON(document, path, func(scalar []byte) bool {
		if text := scalarText(scalar); text != "" {
			found = append(found, text)
		}
		looked++
		return looked < maxValues
	})
	return found
}

// walkJSON calls yield with the values at the path, and returns false once
// yield does.
func walkJSON(value []byte, path []string, yield func([]byte) bool) bool {
	value = bytes.TrimLeft(value, spaces)
	switch {
	case len(value) == 0:
		return true
	case len(path) == 0:
		return yield(value)
	case value[0] == '[' && path[0] == "*":
		return walkArray(value, path[1:], yield)
	case value[0] == '{':
		return walkJSON(lastMember(value, path[0]), path[1:], yield)
	}
	return true
}

func walkArray(array []byte, path []string, yield func([]byte) bool) bool {
	for rest := array[1:]; ; {
		element, after := nextJSON(rest)
		if len(element) == 0 {
			return true
		}
		if !walkJSON(element, path, yield) {
			return false
		}
		rest = after
	}
}

func lastMember(object []byte, name string) []byte {
	var found []byte
	for rest := object[1:]; ; {
		key, after := nextJSON(rest)
		if len(key) == 0 || key[0] != '"' {
			return found
		}
		value, after := nextJSON(after)
		if sameKey(key, name) {
			found = value
		}
		rest = after
	}
}

const (
	spaces     = " \t\r\n"
	separators = spaces + ",:"
	enders     = separators + "]}"
)

// nextJSON cuts off the next value, after any separators. It returns no value
// at the end of an array, an object or the text.
func nextJSON(text []byte) (value, rest []byte) {
	text = bytes.TrimLeft(text, separators)
	if len(text) == 0 {
		return nil, nil
	}
	end := 0
	switch text[0] {
	case ']', '}':
	case '"':
		end = endOfString(text)
	case '[', '{':
		end = endOfNest(text)
	default:
		if end = bytes.IndexAny(text, enders); end < 0 {
			end = len(text)
		}
	}
	return text[:end], text[end:]
}

// endOfString returns the index after the quote that closes the string at the
// start.
func endOfString(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// endOfNest returns the index after the bracket that closes the array or object
// at the start. It need not tell the kinds of brackets apart: in JSON they pair
// up.
func endOfNest(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += endOfString(text[i:]) - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func sameKey(quoted []byte, name string) bool {
	if len(quoted) == len(name)+2 && bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	return bytes.IndexByte(quoted, '\\') >= 0 && unquote(quoted) == name
}

// scalarText returns a string, number or boolean as text; "" for other values.
func scalarText(value []byte) string {
	scalar, _ := nextJSON(value)
	switch {
	case len(scalar) == 0 || scalar[0] == '{' || scalar[0] == '[' || string(scalar) == "null":
		return ""
	case scalar[0] == '"':
		return unquote(scalar)
	case !json.Valid(scalar):
		return ""
	}
	return string(scalar)
}

// unquote decodes a JSON string; "" for a value that is no string. A string
// with half a character (\ud83d and the like) stays as it is written, so that
// two different texts stay different.
func unquote(quoted []byte) string {
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return ""
	}
	if strings.ContainsRune(text, utf8.RuneError) {
		return string(quoted[1 : len(quoted)-1])
	}
	return text
}
