package client

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list walks through all pages of a list, newest first. An error ends it.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query) // the sequence may be walked through again, from the start
		for {
			page, err := getPage[T](ctx, c, path, query)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Data {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			query.Set("cursor", page.NextCursor)
		}
	}
}

// Page is one page of a list, newest first. The calls of [Client] fetch all
// pages.
type Page[T any] struct {
	Data []T `json:"data"`

	// NextCursor fetches the next page; "" on the last one.
	NextCursor string `json:"next_cursor,omitempty"`
}

func getPage[T any](ctx context.Context, c *Client, path string, query url.Values) (*Page[T], error) {
	var answer Page[T]
	if err := c.get(ctx, path, query, &answer); err != nil {
		return nil, err
	}
	if answer.Data == nil {
		return nil, fmt.Errorf("%w: it is no list", ErrAnswer)
	}
	return &answer, nil
}

// queryOf makes a query of names and values in turn; empty values are left out.
func queryOf(pairs ...string) url.Values {
	query := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		if name, value := pair[0], pair[1]; value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// moment formats a time for a query; "" for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// number formats n for a query; "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// pathOf joins a path whose second part is an id from the caller. It refuses a
// text that cannot be an id: as a path, "" or ".." would make another call.
func pathOf(resource, id string, action ...string) (string, error) {
	if id == "" || strings.ContainsFunc(id, foreign) {
		return "", fmt.Errorf("%w: %q is no id", ErrInvalid, id)
	}
	return strings.Join(append([]string{"v1", resource, id}, action...), "/"), nil
}

func foreign(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_'
}
