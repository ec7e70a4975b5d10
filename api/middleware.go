package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/internal/localhost"
	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
)

const (
	requestIDHeader = "X-Request-Id"
	requestIDKey    = "request_id"
	requestPrefix   = "req_"
)

// saneRequestID matches request ids that we take over from a caller: they go into logs and back into a header.
var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9._:=@+/-]{1,128}$`)

// requestID gives the request its id, the caller's own if that is sane, and sets the headers every answer has.
func requestID(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !saneRequestID.MatchString(id) {
		id = models.NewID(requestPrefix)
	}
	c.Set(requestIDKey, id)
	c.Header(requestIDHeader, id)
	c.Header("Cache-Control", "no-store")
	c.Header("X-Content-Type-Options", "nosniff")
}

// joinTrace has what comes of the request belong to the trace of its caller, if that names one: events, and lines in the log.
func joinTrace(c *gin.Context) {
	if c.GetHeader(tracing.Header) != "" {
		c.Request = c.Request.WithContext(tracing.JoinRequest(c.Request.Context(), c.Request.Header))
	}
}

// accessLog writes one line per request, with the route's pattern and without the request's contents, which may be
// confidential.
func (s *server) accessLog(c *gin.Context) {
	start := time.Now() // not Now: it measures, and tests that set the clock do not mean this
	c.Next()
	s.Logger.LogAttrs(c.Request.Context(), slog.LevelDebug, "api.request",
		slog.String("request_id", c.GetString(requestIDKey)), slog.String("method", c.Request.Method),
		slog.String("route", c.FullPath()), slog.Int("status", c.Writer.Status()),
		slog.Float64("ms", milliseconds(time.Since(start))))
}

// catchPanics turns a panic into an ordinary internal failure, its stack into the log.
func catchPanics(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause) // net/http's own way to hang up
		}
		fail(c, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
	}()
	c.Next()
}

// requireLocalHost stands in for a key where none is asked for: only requests that name this machine pass. A web page
// whose own name was made to resolve to this machine (DNS rebinding) would name itself.
func requireLocalHost(c *gin.Context) {
	if !localhost.Is(c.Request.Host) {
		fail(c, models.Errorf(codeHost, "without an API key only requests to localhost are answered"))
	}
}

// origins trusts none but our own.
var origins = http.NewCrossOriginProtection()

// sameOrigin refuses changing requests that a web page of another origin makes: browsers send them without asking anybody.
// A client that is no browser names no origin and passes. Reading requests pass too: we send no CORS headers, so the page
// cannot see the answer.
func sameOrigin(c *gin.Context) {
	if err := origins.Check(c.Request); err != nil {
		fail(c, models.Errorf(codeOrigin, "web pages of another origin may change nothing here"))
	}
}
