package receivers

import (
	"io"
	"net/http"
)

// Answer is what a provider wants to hear, with status 200. The zero value is
// an empty answer.
type Answer struct {
	ContentType string `json:"content_type,omitempty" yaml:"content_type,omitempty"`
	Body        string `json:"body,omitempty" yaml:"body,omitempty"`
}

func plain(text string) Answer {
	if text == "" {
		return Answer{}
	}
	return Answer{ContentType: "text/plain", Body: text}
}

// Write answers 200, exactly: some providers take nothing else. Browsers are
// told not to guess at the type, since a challenge echoes what was asked.
func (a Answer) Write(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if a.ContentType != "" {
		w.Header().Set("Content-Type", a.ContentType)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, a.Body) // who has gone asks again
}
