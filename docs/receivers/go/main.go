// Command go is a receiver of webhooks that are signed by Standard Webhooks.
//
//	WEBHOOK_SECRET=whsec_… go run ./docs/receivers/go 8000
package main

import (
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/posthaste/posthaste/webhook"
)

func main() {
	text := strings.TrimSpace(os.Getenv("WEBHOOK_SECRET"))
	if text == "" {
		log.Fatal("WEBHOOK_SECRET is not set; posthaste subscriptions secret sub_... prints the secret")
	}
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		log.Fatal("WEBHOOK_SECRET: ", err)
	}
	verifier, err := webhook.NewVerifier([]webhook.Secret{secret})
	if err != nil {
		log.Fatal(err)
	}
	port := "8000"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s", listener.Addr())
	server := &http.Server{Handler: receive(verifier), ReadTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}

func receive(verifier *webhook.Verifier) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		msg, err := verifier.VerifyRequest(r)
		if err != nil {
			log.Printf("refused: %v%s", err, hint(err)) // for our log only: the sender gets 401
			http.Error(w, "refused", http.StatusUnauthorized)
			return
		}
		// The same id can come again: store it together with what it causes,
		// and answer before the work is done if that takes long.
		log.Printf("%s: %s", msg.ID, msg.Body)
		w.WriteHeader(http.StatusNoContent)
	}
}

// hint names the usual reason.
func hint(err error) string {
	switch {
	case errors.Is(err, webhook.ErrNoMatch):
		return ": WEBHOOK_SECRET is not this subscription's, or the body was changed on the way"
	case errors.Is(err, webhook.ErrTooOld), errors.Is(err, webhook.ErrTooNew):
		return ": stale by this clock, or this clock is wrong"
	}
	return ""
}
