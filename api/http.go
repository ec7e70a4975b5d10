package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// reply answers with JSON. It encodes before it sends, so that a failure can still become a problem.
func reply(c *gin.Context, status int, body any) error {
	encoded, err := encode(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	c.Data(status, "application/json", encoded)
	return nil
}

// encode writes JSON with a line break at its end. It leaves <, > and & as they are, so that data reads as it was published.
func encode(value any) ([]byte, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return encoded.Bytes(), err
}

// find finds the resource of a kind that the path names by its id. A malformed id is not found: the difference between
// malformed and unknown does not matter to the caller, and the store need not be asked. For the key of one tenant, so is a
// resource of another tenant. Every call about one resource begins
// here.
func find[T owned](c *gin.Context, kind, prefix string, get func(context.Context, string) (T, error)) (none T, err error) {
	id := c.Param("id")
	if !models.ValidID(prefix, id) {
		return none, models.NotFound(kind, clip(id))
	}
	found, err := get(c.Request.Context(), id)
	if err != nil {
		return none, fmt.Errorf("get %s: %w", kind, err)
	}
	if !who(c).sees(found.Owner()) {
		return none, models.NotFound(kind, id)
	}
	return found, nil
}

// owned is a resource of a tenant.
type owned interface {
	Owner() string // the tenant
}

// readJSON fills the struct that target points to from the request's body, strictly.
func readJSON(c *gin.Context, target any) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return models.Errorf(models.CodeInvalid, "the request body is empty; a JSON object is expected")
	}
	return decodeBody(c, body, target)
}

// readOptionalJSON is readJSON for calls that may come without a body.
func readOptionalJSON(c *gin.Context, target any) error {
	body, err := readBody(c)
	if err != nil || len(body) == 0 {
		return err
	}
	return decodeBody(c, body, target)
}

// readBody is readBytes where white space alone counts as nothing.
func readBody(c *gin.Context) ([]byte, error) {
	body, err := readBytes(c)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return nil, err
	}
	return body, nil
}

// readBytes reads the body as far as there is room for it.
func readBytes(c *gin.Context) ([]byte, error) {
	return leaseOf(c).read(c.Request.Body, c.Request.ContentLength)
}

func decodeBody(c *gin.Context, body []byte, target any) (err error) {
	defer func() {
		if err != nil {
			leaseOf(c).refuse()
		}
	}()
	if err := checkMediaType(c.Request.Header); err != nil {
		return err
	}
	if err := checkSyntax(body); err != nil {
		return err
	}
	return decode(body, target)
}

// checkMediaType also keeps web pages out of an API without a key: a browser asks before it sends JSON to another
// origin, and we never say yes.
func checkMediaType(header http.Header) error {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset, given := params["charset"]
	if err != nil || mediaType != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return models.Errorf(codeMediaType, "the request body must be JSON in UTF-8, with Content-Type: application/json")
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return models.Errorf(codeMediaType, "the request body must not be compressed or otherwise encoded")
	}
	return nil
}

// checkSyntax refuses a body that is not one JSON value in UTF-8, and names the place of the first error.
func checkSyntax(body []byte) error {
	if !json.Valid(body) {
		return syntaxError(body)
	}
	if !utf8.Valid(body) {
		return models.Errorf(models.CodeInvalid, "the request body is not valid JSON at byte %d: not UTF-8", badUTF8(body))
	}
	return nil
}

func syntaxError(body []byte) error {
	var nothing struct{}
	err := json.Unmarshal(body, &nothing) // which looks for it before anything else
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return models.Errorf(models.CodeInvalid, "the request body is not valid JSON at byte %d: %s", syntax.Offset, syntax)
	}
	return err
}

// badUTF8 is the place of the first byte that is not UTF-8, counted from 1 as in the errors of encoding/json.
func badUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i + 1
		}
		i += size
	}
	return 0
}

// cursorVersion is the first byte of a cursor, so that its meaning can change without mistaking an old one.
const cursorVersion = 1

// page reads limit and cursor of a list whose ids have the prefix. It asks for one row more than the caller did:
// if that row is there, newPage knows that there is a next page.
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

// stamp is t in an answer.
func stamp(t time.Time) client.Timestamp { return client.Timestamp{Time: t} }

// milliseconds is d in milliseconds, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
