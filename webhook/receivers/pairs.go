package receivers

import "strings"

// valuesOf returns the values of a key in a header of pairs: k=v,k=v or
// k=v;k=v, with optional blanks around keys and values, and quotation marks
// around a value.
func valuesOf(lines []string, key string) []string {
	var found []string
	for _, line := range lines {
		for rest := line; rest != "" && len(found) < maxValues; {
			var pair string
			pair, rest = cutPair(rest)
			name, value, ok := strings.Cut(pair, "=")
			if ok && strings.TrimSpace(name) == key {
				found = append(found, unquoted(strings.TrimSpace(value)))
			}
		}
	}
	return found
}

// cutPair cuts off the first pair, which ends at a comma or a semicolon that is
// not in quotation marks.
func cutPair(line string) (pair, rest string) {
	inside := false
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"':
			inside = !inside
		case (c == ',' || c == ';') && !inside:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

func unquoted(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}
