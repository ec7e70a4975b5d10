// Package paste finds characters that were pasted along with a secret: a line
// break of the console, a blank, an invisible character, quotation marks, the
// name of a variable. The person who sets such a secret is told at once,
// instead of learning from signatures that never fit.
package paste

import (
	"regexp"
	"strings"
	"unicode"
)

// assignment matches a line of a shell or of an environment file. Its name says
// that a secret follows, because a genuine secret may hold any other text and an
// equals sign.
var assignment = regexp.MustCompile(`^(export\s+[A-Za-z_]\w*|[A-Z0-9_]*(SECRET|TOKEN|KEY|PASSWORD)[A-Z0-9_]*)=[^=]`)

// quotes lists the quotation marks that programs and word processors put around
// a text.
var quotes = map[string]string{`"`: `"`, "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}

// Trim removes the invisible characters around a secret: blanks, line breaks,
// byte order marks and other characters of no width.
func Trim(text string) string { return strings.TrimFunc(text, Invisible) }

// Invisible reports whether a character has no width, or is a blank or a line
// break (Unicode's White_Space, and its categories Cc and Cf).
func Invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// Flaw says in words what was pasted along, as a predicate such as "is in
// quotation marks"; "" when nothing was. It never repeats any of the text.
func Flaw(text string) string {
	switch {
	case Trim(text) != text:
		return "begins or ends with a blank, a line break or a mark that is not seen"
	case quoted(text):
		return "is in quotation marks; leave them out"
	case assignment.MatchString(text):
		return "begins with the name of a variable and =; give what is behind it"
	case !isPEM(text) && strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && Invisible(r) }):
		return "has a line break or a mark that is not seen in it"
	}
	return ""
}

func quoted(text string) bool {
	for left, right := range quotes {
		if len(text) > len(left) && strings.HasPrefix(text, left) && strings.HasSuffix(text, right) {
			return true
		}
	}
	return false
}

// isPEM reports whether the text is a key that is written on several lines
// (RFC 7468).
func isPEM(text string) bool { return strings.HasPrefix(text, "-----BEGIN ") }
