package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"

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
// malformed and unknown does not matter to the caller, and the store need not be asked. Every call about one resource begins
// here.
func find[T any](c *gin.Context, kind, prefix string, get func(context.Context, string) (*T, error)) (*T, error) {
	id := c.Param("id")
	if !models.ValidID(prefix, id) {
		return nil, models.NotFound(kind, clip(id))
	}
	found, err := get(c.Request.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", kind, err)
	}
	return found, nil
}
