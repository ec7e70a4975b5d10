package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
)

// getStats handles GET /v1/stats.
func (s *server) getStats(c *gin.Context) error {
	count, oldest, err := s.Store.Backlog(c.Request.Context())
	if err != nil {
		return fmt.Errorf("measure backlog: %w", err)
	}
	return reply(c, http.StatusOK, client.Stats{Backlog: client.Backlog{
		Events: count, OldestAt: stamp(oldest), Age: client.Duration(age(oldest, s.Now()).Truncate(time.Millisecond)),
	}})
}
