package api

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
)

// statsView says how far delivering is behind accepting.
type statsView struct {
	Backlog backlogView `json:"backlog"`
}

// backlogView is about the events that are accepted and not planned yet.
type backlogView struct {
	Events   int       `json:"events"`
	OldestAt timestamp `json:"oldest_at,omitzero"`
	Age      duration  `json:"age"`
}

// getStats handles GET /v1/stats.
func (s *server) getStats(c *gin.Context) error {
	count, oldest, err := s.Store.Backlog(c.Request.Context())
	if err != nil {
		return fmt.Errorf("measure backlog: %w", err)
	}
	return reply(c, http.StatusOK, statsView{backlogView{
		Events: count, OldestAt: timestamp(oldest), Age: duration(age(oldest, s.Now()).Truncate(1_000_000)),
	}})
}
