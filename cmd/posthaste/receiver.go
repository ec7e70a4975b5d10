package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/posthaste/posthaste/webhook"
)

// receiver is the demo's subscriber: it verifies requests with the public webhook package, as any receiver would.
type receiver struct {
	url      string
	server   *http.Server
	verifier atomic.Pointer[webhook.Verifier] // nil until the secret is known
	arrived  chan arrival
}

type arrival struct {
	webhook.Message
	header http.Header
}

func startReceiver() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/hook", arrived: make(chan arrival, 64)}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.server.Serve(listener) }() // ends with stop
	return r, nil
}

func (r *receiver) stop(ctx context.Context) error { return r.server.Shutdown(ctx) }

// trust sets the secret to verify with.
func (r *receiver) trust(text string) error {
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		return err
	}
	verifier, err := webhook.NewVerifier([]webhook.Secret{secret})
	r.verifier.Store(verifier)
	return err
}

// ServeHTTP answers 204 to a request that verifies and 401 to any other.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	verifier := r.verifier.Load()
	if verifier == nil {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	message, err := verifier.VerifyRequest(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	select {
	case r.arrived <- arrival{Message: message, header: request.Header}:
	default: // nobody reads the message: there are more than the demo sends
	}
}

// await returns the message with the id. Other messages are from earlier demos.
func (r *receiver) await(ctx context.Context, id string) (arrival, error) {
	for {
		select {
		case <-ctx.Done():
			return arrival{}, fmt.Errorf("nothing arrived within %s: %w", demoWait, ctx.Err())
		case m := <-r.arrived:
			if m.ID == id {
				return m, nil
			}
		}
	}
}
