package api

import (
	"encoding/base64"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// cursorVersion is the first byte of a cursor, so that its meaning can change without mistaking an old one.
const cursorVersion = 1

// page reads limit and cursor of a list whose ids have the prefix. It asks for one row more than the caller did:
// whether that one is there tells newPage whether there is a next page.
func (q *query) page(prefix string) models.Page {
	after := ""
	q.get("cursor", func(value string) (err error) {
		after, err = parseCursor(prefix, value)
		return err
	})
	return models.Page{After: after, Limit: q.limit() + 1}
}

// newPage turns the rows that the store found into the answer to a request for a page.
func newPage[M, V any](found []M, asked models.Page, id func(M) string, show func(M) V) client.Page[V] {
	answer := client.Page[V]{Data: make([]V, 0, len(found))}
	if limit := asked.Limit - 1; len(found) > limit {
		found = found[:limit]
		answer.NextCursor = newCursor(id(found[limit-1]))
	}
	for _, item := range found {
		answer.Data = append(answer.Data, show(item))
	}
	return answer
}

func newCursor(lastID string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{cursorVersion}, lastID...))
}

func parseCursor(prefix, cursor string) (lastID string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) == 0 || raw[0] != cursorVersion || !models.ValidID(prefix, string(raw[1:])) {
		return "", models.Invalid("cursor", "is not a next_cursor of this list")
	}
	return string(raw[1:]), nil
}
