package receivers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/posthaste/posthaste/webhook/receivers"
)

// A service that takes GitHub's webhooks.
func Example() {
	secret := receivers.Secrets("It's a Secret to Everybody") // in earnest: from the environment
	hook := receivers.Handler(receivers.Named("github"), secret, func(_ context.Context, e receivers.Event) error {
		fmt.Println(e.Type, e.ID, string(e.Payload)) // in earnest: store it, once for each ID
		return nil
	})
	server := httptest.NewServer(hook)
	defer server.Close()

	send := func(body string) {
		r, _ := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(body))
		r.Header.Set("X-GitHub-Event", "ping")
		r.Header.Set("X-GitHub-Delivery", "72d3162e")
		r.Header.Set("X-Hub-Signature-256", "sha256=65cf1e1aeb36f098c67ba0ea5421c7ce1f94fd30c73bb51911a847c2e3480f52")
		resp, err := server.Client().Do(r)
		if err != nil {
			panic(err)
		}
		_ = resp.Body.Close()
		fmt.Println("answer", resp.StatusCode)
	}
	send(`{"zen":"Design for failure.","hook_id":1}`)
	send(`{"zen":"Forged."}`)
	// Output:
	// ping 72d3162e {"zen":"Design for failure.","hook_id":1}
	// answer 200
	// answer 401
}

// A provider that the table lacks, in the same words.
func ExampleProvider() {
	acme := receivers.Provider{
		Name:  "acme",
		Event: "json.kind",
		ID:    "header.Acme-Delivery",
		Auth: []receivers.Scheme{{
			Alg: "hmac-sha256", Enc: "hex", Sig: "header.Acme-Signature",
			Signed: "{header.Acme-Time}.{body}", Time: "header.Acme-Time",
		}},
	}
	receiver, err := receivers.New(acme, receivers.Secrets("what Acme shows once"))
	if err != nil {
		panic(err)
	}
	_, err = receiver.Verify(context.Background(), receivers.Request{
		Method: http.MethodPost, Header: http.Header{}, Body: []byte(`{"kind":"order.paid"}`),
	})
	fmt.Println(err)
	// Output:
	// receivers: not signed: header.Acme-Signature
}
