package api

import (
	"encoding/json"
	"iter"

	"github.com/posthaste/posthaste/models"
)

// maxMembers is the greatest number of elements of an array, and of members of an object, where we look into them; we do
// not look into data and properties. It bounds the memory that a body of millions of tiny values takes, and the events of
// a batch.
const maxMembers = 1000

// member is a member of an object or, without a name, an element of an array.
type member struct {
	name  json.RawMessage // with its quotes
	value json.RawMessage
}

// members goes through the members of an object or the elements of an array, which must be valid JSON. They are parts of
// raw, not copies.
func members(raw json.RawMessage) iter.Seq[member] {
	return func(yield func(member) bool) {
		i := skipSpace(raw, 0)
		object := raw[i] == '{'
		for i = skipSpace(raw, i+1); raw[i] != '}' && raw[i] != ']'; i = skipSpace(raw, i) {
			var m member
			if raw[i] == ',' {
				i = skipSpace(raw, i+1)
			}
			if object {
				end := endOfString(raw, i)
				m.name = raw[i:end:end]
				i = skipSpace(raw, skipSpace(raw, end)+1) // beyond the colon
			}
			end := endOfValue(raw, i)
			m.value, i = raw[i:end:end], end
			if !yield(m) {
				return
			}
		}
	}
}

// countMembers is how many there are. More than maxMembers are refused.
func countMembers(raw json.RawMessage, what string) (count int, err error) {
	for range members(raw) {
		if count++; count > maxMembers {
			return 0, models.Invalid("", "has too many %s; at most %d are allowed", what, maxMembers)
		}
	}
	return count, nil
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

// endOfString is the place after the string that begins at i.
func endOfString(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// endOfValue is the place after the value that begins at i.
func endOfValue(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = endOfString(raw, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue
		default:
			i = endOfWord(raw, i)
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// endOfWord is the place after the number, true, false or null that begins at i.
func endOfWord(raw []byte, i int) int {
	for i < len(raw) {
		switch raw[i] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return i
		}
		i++
	}
	return i
}
