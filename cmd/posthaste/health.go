package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/posthaste/posthaste/internal/terminal"
)

// healthTimeout gives a process enough time to find out that something it needs does not answer.
const healthTimeout = 4 * time.Second

// healthCmd asks a running process whether it is ready. It is the health check of a container, whose image holds nothing
// else that could ask.
type healthCmd struct {
	Listen string `name:"listen" env:"POSTHASTE_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address on which the API listens; for a process without one, its --metrics-listen."`
}

// Run implements the command.
func (c *healthCmd) Run(ctx context.Context, s terminal.Streams) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	// Connecting to 0.0.0.0 or to no host at all means this machine, so the address needs no change.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Listen+"/readyz", nil)
	if err != nil {
		return err
	}
	direct := http.Client{Transport: &http.Transport{}} // past any proxy that the environment names
	response, err := direct.Do(request)
	if err != nil {
		return fmt.Errorf("posthaste does not answer: %w", err)
	}
	defer response.Body.Close()
	return reportHealth(s.Out, response)
}

// reportHealth prints the answer, or returns it as an error.
func reportHealth(w io.Writer, response *http.Response) error {
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("posthaste does not answer: %w", err)
	}
	said = bytes.TrimSpace(said)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("posthaste is not ready: %s: %s", response.Status, said)
	}
	_, err = fmt.Fprintf(w, "%s\n", said)
	return err
}
