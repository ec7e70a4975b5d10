package receivers

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// findJSON gives the strings, numbers and booleans at a path of the document.
// It neither checks that the document is JSON nor builds anything of it: it
// skips to what is asked for. Of a document that is broken it may find
// anything, but never does more work than to pass over it once for each step
// of the path. Of two members with one name the last counts, as in
// encoding/json.
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

// walkJSON tells by false that yield wants no more.
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

// nextJSON cuts the next value off, whatever separates it from what was
// before. It gives no value at the end of an array, an object or the text.
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

// endOfString is behind the quote that closes the one in front.
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

// endOfNest is behind the bracket that closes the one in front, of whichever
// kind: in JSON they pair up.
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

// scalarText is "" for what is none.
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

// unquote is "" for what is no string. Half a character (\ud83d and the like)
// stays as it is written, so that two texts that differ do so afterwards.
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
