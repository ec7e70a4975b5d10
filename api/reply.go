package api

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// reply answers with JSON. It encodes before it sends, so that a failure can still become a problem, and leaves <, >
// and & as they are, so that data reads as it was published.
func reply(c *gin.Context, status int, body any) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	c.Data(status, "application/json", encoded.Bytes())
	return nil
}

// pathID is the id in the path. A malformed id is not found: the difference between malformed and unknown does not matter
// to the caller, and the store need not be asked.
func pathID(c *gin.Context, what, prefix string) (string, error) {
	id := c.Param("id")
	if !models.ValidID(prefix, id) {
		return "", models.NotFound(what, clip(id))
	}
	return id, nil
}
