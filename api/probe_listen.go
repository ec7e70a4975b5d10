package api

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/models"
)

// ProbeDeps holds the dependencies of NewProbes. All are required but Key and Version.
type ProbeDeps struct {
	Store    ProbeStore
	Engine   Engine
	Logger   *slog.Logger
	Registry *prometheus.Registry // shown by /metrics

	Key     string // opens /metrics as Bearer token; empty: only requests that name this machine are answered
	Version string // shown by /healthz; may be empty
}

// NewProbes builds the handler of an address that serves /healthz, /readyz and /metrics and nothing else. It is for
// processes without an API, and for those that keep their metrics off the address of the API. It refuses incomplete
// dependencies. The handler is safe for concurrent use.
func NewProbes(deps ProbeDeps) (http.Handler, error) {
	if deps.Store == nil || deps.Engine == nil || deps.Logger == nil || deps.Registry == nil {
		return nil, errors.New("api: probes need a store, an engine, a logger and a registry")
	}
	p := &probes{
		version: deps.Version, readiness: &readiness{store: deps.Store, engine: deps.Engine}, registry: deps.Registry,
	}
	s := &server{Deps: Deps{Logger: deps.Logger}, probes: p}
	return s.engine(func(engine *gin.Engine) { p.mount(engine, metricsGuard(deps.Key)) }), nil
}

func (p *probes) mount(engine *gin.Engine, guard gin.HandlerFunc) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		engine.Handle(method, "/healthz", handler(p.health))
		engine.Handle(method, "/readyz", handler(p.ready))
		engine.Handle(method, "/metrics", guard, handler(p.getMetrics))
	}
}

// metricsGuard asks for the key of the metrics, or stands in for it where there is none.
func metricsGuard(key string) gin.HandlerFunc {
	if key == "" {
		return requireLocalHost
	}
	wanted := sha256.Sum256([]byte(key))
	return func(c *gin.Context) {
		scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !isRoot(strings.TrimSpace(token), wanted) {
			c.Header("WWW-Authenticate", "Bearer")
			fail(c, errWrongMetricsKey)
		}
	}
}

var errWrongMetricsKey = models.Errorf(models.CodeUnauthorized, "the key of the metrics is not valid: send --metrics-key in the header Authorization: Bearer <key>")
