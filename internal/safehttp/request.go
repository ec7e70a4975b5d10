package safehttp

import (
	"net/http"
	"time"

	"github.com/posthaste/posthaste/models"
)

// Request is an HTTP request to a subscriber.
type Request struct {
	URL     string
	Header  http.Header   // sent as it is spelled; an Authorization in it is replaced when Auth is set
	Body    []byte        // never changed by who sends it
	Timeout time.Duration // for everything from fetching a token to the last byte read; 0 means models.DefaultTimeout
	Auth    models.Auth   // the zero value sends none
	TLS     models.TLS    // the zero value trusts the system's authorities and shows no certificate
}
