package operator

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"net/http"
)

// answers is a client's HTTP transport that keeps the newest answer as it came: JSON for scripts is the API's own text, not
// our reading of it. It is for one call at a time.
type answers struct {
	transport http.RoundTripper
	newest    *bytes.Buffer
}

func newAnswers() *answers {
	return &answers{transport: http.DefaultTransport, newest: &bytes.Buffer{}}
}

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := a.transport.RoundTrip(request)
	if err != nil || response.StatusCode/100 != 2 {
		return response, err
	}
	a.newest = &bytes.Buffer{}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(response.Body, a.newest), response.Body}
	return response, nil
}

// json returns the newest answer.
func (a *answers) json() json.RawMessage { return a.newest.Bytes() }

// orJSON returns the newest answer, or thing as JSON where the answer was empty.
func (a *answers) orJSON(thing any) json.RawMessage {
	if text := a.json(); len(text) > 0 {
		return text
	}
	text, _ := json.Marshal(thing) // without an answer, thing is an id
	return text
}

// items returns the items of the newest answer, which is a page of a list.
func (a *answers) items() []json.RawMessage {
	page := struct{ Data []json.RawMessage }{Data: []json.RawMessage{}}
	_ = json.Unmarshal(a.json(), &page) // the client has read it already
	return page.Data
}

// received is an item of a list with its JSON as it came.
type received[T any] struct {
	thing T
	json  json.RawMessage
}

// withJSON adds to each item of a list its JSON. The list fetches a page, yields its items, and then fetches the next page.
func withJSON[T any](a *answers, list iter.Seq2[T, error]) iter.Seq2[received[T], error] {
	return func(yield func(received[T], error) bool) {
		var page *bytes.Buffer
		var items []json.RawMessage
		for thing, err := range list {
			if page != a.newest {
				page, items = a.newest, a.items()
			}
			s := received[T]{thing: thing}
			if err == nil {
				s.json, items = items[0], items[1:]
			}
			if !yield(s, err) {
				return
			}
		}
	}
}
