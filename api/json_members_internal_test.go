package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzMembers takes an object and an array apart and compares with encoding/json.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, ` { "a" : 1 , "b\"}" : [1, {"c":"]\\"}] } `, `[1,"a,b",null,[[]],{"x":{}},-1.5e3 ]`, "[\n]", `{"":""}`, `[[],[]]`, `["\\"]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw := json.RawMessage(text)
		var object map[string]json.RawMessage
		var array []json.RawMessage
		if json.Unmarshal(raw, &object) == nil && object != nil {
			got := map[string]json.RawMessage{}
			for m := range members(raw) {
				var name string
				require.NoError(t, json.Unmarshal(m.name, &name))
				got[name] = m.value
			}
			require.Equal(t, object, got)
		}
		if json.Unmarshal(raw, &array) == nil && array != nil {
			got := []json.RawMessage{}
			for m := range members(raw) {
				require.Nil(t, m.name)
				got = append(got, m.value)
			}
			require.Equal(t, array, got)
		}
	})
}
