package terminal

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/posthaste/posthaste/client"
)

// explain describes a failed call to somebody at a terminal, and says what to do about it.
func explain(problem *client.Error) string {
	switch {
	case problem.Status == 0:
		return unreachable(problem)
	case problem.Status == http.StatusUnauthorized:
		return "the server asks for an API key, or does not know this one: set POSTHASTE_API_KEY to the server's"
	case problem.Code == "" && problem.Status/100 == 4:
		return fmt.Sprintf("%s; is this a Posthaste? Set POSTHASTE_URL or --url to its address", problem.Error())
	}
	return problem.Error()
}

// unreachable names the server that did not answer, and the reason.
func unreachable(problem *client.Error) string {
	failed, ok := errors.AsType[*url.Error](problem)
	if !ok {
		return problem.Error()
	}
	server := "the server"
	if at, err := url.Parse(failed.URL); err == nil {
		server += " at " + at.Scheme + "://" + at.Host
	}
	return fmt.Sprintf("cannot reach %s (%v); set POSTHASTE_URL or --url", server, failed.Err)
}
