package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/posthaste/posthaste/webhook"
)

// A receiver: verify, handle each id once, answer 2xx. What the signature does
// not cover never reaches the handler's own code.
func Example() {
	secret, err := webhook.ParseSecret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		panic(err)
	}
	verifier, err := webhook.NewVerifier([]webhook.Secret{secret}, webhook.WithMaxBody(64<<10))
	if err != nil {
		panic(err)
	}
	var seen sync.Map // in earnest: a table with a unique column, written with the work itself

	receiver := httptest.NewServer(verifier.Handler(func(_ context.Context, msg webhook.Message) error {
		event, err := webhook.ParseEvent(msg.Body)
		if err != nil {
			return err
		}
		if _, again := seen.LoadOrStore(msg.ID, true); !again {
			fmt.Printf("handling %s, %s: %s\n", msg.ID, event.Type, event.Data)
		}
		return nil
	}))
	defer receiver.Close()

	send := func(signed, sent string) {
		req, _ := http.NewRequest(http.MethodPost, receiver.URL, strings.NewReader(sent))
		_ = webhook.SetHeaders(req.Header, "evt_1", time.Now(), []byte(signed), secret)
		resp, err := receiver.Client().Do(req)
		if err != nil {
			panic(err)
		}
		_ = resp.Body.Close()
		fmt.Println("answer", resp.StatusCode)
	}
	const paid = `{"type":"order.paid","timestamp":"2026-11-22T12:00:00Z","data":{"id":42}}`
	send(paid, paid)
	send(paid, paid)                                     // the sender did not see our answer
	send(paid, strings.Replace(paid, "paid", "gone", 1)) // someone changed it on the way

	// Output:
	// handling evt_1, order.paid: {"id":42}
	// answer 204
	// answer 204
	// answer 401
}

// While a secret is being replaced, the sender signs with both.
func ExampleSign() {
	next, _ := webhook.ParseSecret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	old, _ := webhook.ParseSecret("whsec_////////////////////////////////")

	signature, err := webhook.Sign("evt_01jd2m7x3v9k5h8q4w6r0t1ynb", time.Unix(1732233600, 0),
		[]byte(`{"type":"order.paid","data":{"id":42}}`), next, old)
	if err != nil {
		panic(err)
	}
	fmt.Println(strings.ReplaceAll(signature, " ", "\n"))

	// Output:
	// v1,46I5x0QjHMK2kri52Cu2Cfoizj87M6YAbNdelr96HQE=
	// v1,i1SYuuR6srJLR5kDvNxMzK0omP5Izt6MSigjDgG1tX4=
}

// A secret says that it is there, and nothing else, until it is asked.
func ExampleSecret() {
	secret, _ := webhook.ParseSecret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	fmt.Printf("%v %+v\n", secret, struct{ Secret webhook.Secret }{secret})
	fmt.Println(secret.Reveal())

	// Output:
	// whsec_[redacted] {Secret:whsec_[redacted]}
	// whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
}
