package openapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

//go:embed words.json
var wordsFile []byte

// words are the comments in package client, in the terms of JSON: its names of fields, and "absent" for nil and zero.
type words struct {
	// Docs has the comments of types (Event) and of their fields (Event.Metadata).
	Docs map[string]string `json:"docs"`
	// Values has the constants of types.
	Values map[string][]value `json:"values"`
}

type value struct {
	Value string `json:"value"`
	Doc   string `json:"doc,omitempty"`
}

func readWords() *words {
	read := &words{}
	if err := json.Unmarshal(wordsFile, read); err != nil {
		panic(fmt.Sprintf("openapi: read words.json: %v", err)) // go generate wrote it
	}
	return read
}

// of is the comment of a type, or of a field of it.
func (w *words) of(t reflect.Type, field string) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	if field != "" {
		name += "." + field
	}
	return w.Docs[name]
}

// codes says what the codes of problems mean.
func (w *words) codes(codes []string) string {
	var all strings.Builder
	for _, code := range codes {
		fmt.Fprintf(&all, "\n- `%s`", code)
		for _, value := range w.Values["Code"] {
			if value.Value == code && value.Doc != "" {
				all.WriteString(": " + value.Doc)
			}
		}
	}
	return all.String()
}
