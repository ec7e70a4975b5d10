package main

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"net/http"
)

// answers carries the calls of a client and keeps the newest answer as it came: JSON for scripts is what the API said, not
// what we understood of it. It is for one call at a time.
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

// json is the newest answer.
func (a *answers) json() json.RawMessage { return a.newest.Bytes() }

// orJSON is the newest answer, or the thing itself where the server had nothing to say.
func (a *answers) orJSON(thing any) json.RawMessage {
	if text := a.json(); len(text) > 0 {
		return text
	}
	text, _ := json.Marshal(thing) // what the server says nothing about is an id
	return text
}

// items are those of the newest answer, which is a page of a list.
func (a *answers) items() []json.RawMessage {
	page := struct{ Data []json.RawMessage }{Data: []json.RawMessage{}}
	_ = json.Unmarshal(a.json(), &page) // the client has read it already
	return page.Data
}

// received is a thing of a list with the JSON that it came as.
type received[T any] struct {
	thing T
	json  json.RawMessage
}

// withJSON puts beside each thing of a list what it was made of. The list fetches a page, hands out what is on it, and then
// fetches the next.
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
