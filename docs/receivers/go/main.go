// Command go is a receiver of webhooks that are signed by Standard Webhooks.
//
//	WEBHOOK_SECRET=whsec_… go run ./docs/receivers/go 8000
package main

import (
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/posthaste/posthaste/webhook"
)

func main() {
	secret, err := webhook.ParseSecret(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
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
		msg, err := verifier.VerifyRequest(r, 0)
		if err != nil {
			http.Error(w, "refused", http.StatusUnauthorized)
			return
		}
		// The same id can come again: store it together with what it causes,
		// and answer before the work is done if that takes long.
		log.Printf("%s: %s", msg.ID, msg.Body)
		w.WriteHeader(http.StatusNoContent)
	}
}
