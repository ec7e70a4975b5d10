package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// readyTimeout is how long readiness waits for an answer: well below the patience of a usual probe.
const readyTimeout = 2 * time.Second

type healthView struct {
	Status  string `json:"status"`
	Version string `json:"version,omitempty"`
}

// health handles GET /healthz: the process is alive, whatever may be said of those it depends on.
func (s *server) health(c *gin.Context) {
	reply(c, http.StatusOK, healthView{Status: "ok", Version: s.Version})
}

// ready handles GET /readyz: red when the store or Temporal is away.
func (s *server) ready(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	if err := s.away(ctx); err != nil {
		fail(c, err)
		return
	}
	reply(c, http.StatusOK, healthView{Status: "ready", Version: s.Version})
}

// away asks everything we depend on at once and names what does not answer. The causes are for the log only.
func (s *server) away(ctx context.Context) error {
	var storeErr, engineErr error
	var wait sync.WaitGroup
	wait.Go(func() { storeErr = s.Store.Ping(ctx) })
	wait.Go(func() { engineErr = s.Engine.Ping(ctx) })
	wait.Wait()

	var names []string
	if storeErr != nil {
		names = append(names, "the store")
	}
	if engineErr != nil {
		names = append(names, "Temporal")
	}
	if len(names) == 0 {
		return nil
	}
	shown := models.Errorf(models.CodeUnavailable, "not ready: no answer from %s", strings.Join(names, " and "))
	return errors.Join(shown, storeErr, engineErr) // shown first: it is the one to be shown
}
