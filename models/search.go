package models

// MaxSearch is how many bytes a text has at most that is looked for: as many as the longest text that is found.
const MaxSearch = MaxMetadataValue

// ValidateSearch returns a CodeInvalid *Error for a text that cannot be looked for.
func ValidateSearch(text string) error { return validateText("q", text, MaxSearch) }
