package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/posthaste/posthaste/client"
)

// fakePosthaste stands in for a server: it accepts orders and refuses the rest.
func fakePosthaste() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			Type string `json:"type"`
		}
		_ = json.NewDecoder(r.Body).Decode(&event)
		if event.Type != "order.paid" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"code":"invalid","detail":"type must not be empty","field":"type"}`)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":"evt_01jd2m7x3v9k5h8q4w6r0t1ynb","tenant":"default","type":"order.paid"}`)
	}))
}

// Publish an event: when there is no error it will be delivered.
func Example() {
	server := fakePosthaste()
	defer server.Close()

	c, err := client.New(server.URL, "phk_example")
	if err != nil {
		panic(err)
	}
	published, err := c.Publish(context.Background(), client.Event{
		Type:           "order.paid",
		Data:           map[string]any{"id": 42, "total": "19.90"},
		IdempotencyKey: "order-42-paid", // names the happening, so that a rerun of this program adds nothing
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(published.ID)

	// Output: evt_01jd2m7x3v9k5h8q4w6r0t1ynb
}

// Errors say whether it is worth trying later, and what was wrong.
func ExampleError() {
	server := fakePosthaste()
	defer server.Close()

	c, err := client.New(server.URL, "phk_example")
	if err != nil {
		panic(err)
	}
	_, err = c.Publish(context.Background(), client.Event{Data: json.RawMessage(`{"id":42}`)})

	var failed *client.Error
	switch {
	case errors.Is(err, client.ErrUnavailable):
		fmt.Println("try again later, with the same key")
	case errors.As(err, &failed):
		fmt.Println(failed.Status, failed.Code, failed.Field)
	}
	fmt.Println(errors.Is(err, client.ErrInvalid))

	// Output:
	// 400 invalid type
	// true
}

// The tests of a program that publishes need no server: this one accepts every
// event and records it.
func Example_recorder() {
	events := make(chan client.Event, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			Type string          `json:"type"`
			Data json.RawMessage `json:"data"`
			Key  string          `json:"idempotency_key"`
		}
		_ = json.NewDecoder(r.Body).Decode(&event)
		events <- client.Event{Type: event.Type, Data: event.Data, IdempotencyKey: event.Key}
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintf(w, `{"id":"evt_%d"}`, len(events))
	}))
	defer server.Close()
	c, _ := client.New(server.URL, "") // what the program is given instead of its own

	_, err := c.Publish(context.Background(), client.Event{Type: "order.paid", Data: 42, IdempotencyKey: "order-42-paid"})
	recorded := <-events
	fmt.Printf("%v %s %s %s\n", err, recorded.Type, recorded.Data, recorded.IdempotencyKey)

	// Output: <nil> order.paid 42 order-42-paid
}
