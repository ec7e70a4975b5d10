package client

import (
	"strings"
	"time"
)

// timeForm is the form of every time in an answer: RFC 3339 in UTC, with milliseconds.
const timeForm = "2006-01-02T15:04:05.000Z"

// Timestamp is a time in an answer. The server writes it in UTC with
// milliseconds.
type Timestamp struct{ time.Time }

// MarshalJSON implements [encoding/json.Marshaler].
func (t Timestamp) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(`"` + timeForm + `"`)), nil
}

// Duration is a [time.Duration] that is text in JSON, such as "1h30m".
type Duration time.Duration

// String formats d like [time.Duration].
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements [encoding.TextMarshaler]. It writes "5m" instead of
// the "5m0s" of [Duration.String].
func (d Duration) MarshalText() ([]byte, error) {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return []byte(text), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler] by [time.ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Links are the places that belong to an answer: paths of the API, and the URL
// of a workflow in the Temporal Web UI. A link that an answer does not have is
// "".
type Links struct {
	Self         string `json:"self,omitempty"`
	Event        string `json:"event,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Deliveries   string `json:"deliveries,omitempty"`
	Attempts     string `json:"attempts,omitempty"`
	Runs         string `json:"runs,omitempty"`
	History      string `json:"history,omitempty"`

	// Workflow is "" if the server does not know the Web UI.
	Workflow string `json:"workflow,omitempty"`
}
