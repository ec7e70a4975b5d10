package models

import "unicode/utf8"

// Limits of what people say about their actions, in bytes.
const (
	MaxActor  = 200
	MaxReason = 500
)

// Why says who asked for an action, and for which reason.
type Why struct {
	By     string `json:"by,omitempty"`     // a name that the caller gave, or the key's; empty: not known
	Key    string `json:"key,omitempty"`    // id of the API key that the caller held, or RootKey; empty: none was asked for
	Reason string `json:"reason,omitempty"` // empty: none was given
}

// Words is the reason for a cancellation as its delivery shows it.
func (w Why) Words() string {
	words := w.Reason
	if words == "" {
		words = "cancelled by hand"
	}
	if w.By != "" {
		words += " (by " + w.By + ")"
	}
	return words
}

// Validate returns a CodeInvalid *Error if either is too long, or cannot be stored.
func (w Why) Validate() error {
	return firstError(validateText("by", w.By, MaxActor), validateText("reason", w.Reason, MaxReason))
}

// Clip cuts text to a number of bytes without splitting a character.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const mark = "…"
	cut := limit - len(mark)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}
