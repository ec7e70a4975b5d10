package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// ProbeStore says how the store is, and what waits in it; see [Store].
type ProbeStore interface {
	LevelStore
	// Health says whether the store can be read and written at the moment; its error says in words why not. It may be
	// asked often.
	Health(ctx context.Context) (models.Health, error)
}

const (
	// readyTimeout is how long readiness waits for an answer: well below the patience of a usual probe.
	readyTimeout = 2 * time.Second

	// readyFor is how long a result is given to further requests. Anybody may ask, and finding out writes to the database.
	readyFor = time.Second
)

// unready is why no traffic should come here, with how the parts are.
type unready struct {
	client.Parts
	shown *models.Error
	cause error
}

func (u *unready) Error() string { return u.shown.Detail + ": " + u.cause.Error() }

// Unwrap gives the error that is shown first.
func (u *unready) Unwrap() []error { return []error{u.shown, u.cause} }

// probes answer how a process is: the part of the API that every process has.
type probes struct {
	version   string
	readiness *readiness
	registry  *prometheus.Registry
}

// health handles GET /healthz: the process is alive, whatever the state of the database and of Temporal.
func (p *probes) health(c *gin.Context) error {
	return reply(c, http.StatusOK, client.Health{Status: "ok", Version: p.version})
}

// ready handles GET /readyz: red when the store cannot take events. Temporal being away does not make it red:
// events are accepted all the same, and a balancer that took every API away would turn a delay into an outage.
func (p *probes) ready(c *gin.Context) error {
	parts, err := p.readiness.ask(c.Request.Context())
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, client.Readiness{Health: client.Health{Status: "ready", Version: p.version}, Parts: parts})
}

// readiness asks the parts how they are, once for all requests within a second.
type readiness struct {
	store  ProbeStore
	engine Engine

	mu    sync.Mutex
	at    time.Time
	parts client.Parts
	err   error
}

func (r *readiness) ask(ctx context.Context) (client.Parts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // others wait for it, too
		defer cancel()
		r.parts, r.err = r.look(ctx)
		r.at = time.Now()
	}
	return r.parts, r.err
}

func (r *readiness) look(ctx context.Context) (client.Parts, error) {
	parts := client.Parts{Temporal: client.PartReady, Disk: client.PartReady}
	var store models.Health
	var storeErr, engineErr error
	var wait sync.WaitGroup
	wait.Go(func() { store, storeErr = r.store.Health(ctx) })
	wait.Go(func() { engineErr = r.engine.Ping(ctx) })
	wait.Wait()

	parts.Store = client.PartHealth(store)
	if engineErr != nil {
		parts.Temporal = client.PartAway
	}
	if store == models.HealthFull {
		parts.Disk = client.PartFull
	}
	if storeErr == nil {
		return parts, nil
	}
	shown := shownError(storeErr)
	return parts, &unready{
		shown: models.Errorf(models.CodeUnavailable, "not ready: %s", shown.Detail),
		Parts: parts, cause: errors.Join(storeErr, engineErr),
	}
}

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
