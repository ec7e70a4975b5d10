package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/models"
)

// server holds what the handlers share.
type server struct {
	Deps
	*probes
	receivers *receiverCache
	metrics   *metrics
	bodies    *budget
	paces     *paces

	description func() []byte
	docs        http.Handler
}

// New builds the handler of the HTTP API. It refuses incomplete dependencies with an error that lists them. The handler
// is safe for concurrent use and starts nothing of its own.
func New(deps Deps) (http.Handler, error) {
	deps, err := deps.complete()
	if err != nil {
		return nil, err
	}
	s := &server{
		Deps: deps, receivers: newReceiverCache(deps.Certificates, deps.MaxBody), metrics: newMetrics(),
		bodies: newBudget(deps.MaxBody, deps.BodyBudget), paces: newPaces(),
		description: description(deps.Version), docs: newDocs(),
	}
	s.probes = &probes{version: deps.Version, readiness: &readiness{store: deps.Store, engine: deps.Engine}, registry: deps.Registry}
	if s.registry == nil {
		s.registry = prometheus.NewRegistry()
		register(s.registry, newLevels(deps.Store, deps.Logger, deps.Now), deps.Version)
	}
	s.registry.MustRegister(append(s.bodies.collectors(), s.metrics.accepted, s.metrics.webhooks)...)
	// The limit goes around Gin, not into it: only the connection's own ResponseWriter can be told to hang up on a
	// caller who keeps sending.
	return http.MaxBytesHandler(s.engine(s.mount), deps.MaxBody), nil
}

func (s *server) engine(mount func(*gin.Engine)) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.ContextWithFallback = true // a gin.Context is as cancelled as its request
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false // a redirected POST would lose its body,
	engine.RedirectFixedPath = false     // and providers count a redirect as a failure
	_ = engine.SetTrustedProxies(nil)    // nil cannot be a malformed address
	engine.Use(requestID, joinTrace, s.accessLog, s.problems, catchPanics)
	engine.NoRoute(noRoute)
	engine.NoMethod(noMethod)
	mount(engine)
	return engine
}

var errNoRoute = models.Errorf(models.CodeNotFound, "there is nothing at this path")

func noRoute(c *gin.Context) { fail(c, errNoRoute) }

// noMethod leaves the header Allow to Gin, which has set it.
func noMethod(c *gin.Context) {
	fail(c, models.Errorf(codeMethod, "this path does not know the method %s", clip(c.Request.Method)))
}
