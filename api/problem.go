package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// Codes of failures that only HTTP knows.
const (
	codeForbidden models.Code = "forbidden"
	codeMethod    models.Code = "method_not_allowed"
	codeMediaType models.Code = "unsupported_media_type"
	codeHost      models.Code = "misdirected_request"
	codeOrigin    models.Code = "cross_origin"
)

// statuses maps each code to its HTTP status. A code that is not here counts as internal.
var statuses = map[models.Code]int{
	models.CodeInvalid:      http.StatusBadRequest,
	models.CodeUnauthorized: http.StatusUnauthorized,
	codeOrigin:              http.StatusForbidden,
	models.CodeNotFound:     http.StatusNotFound,
	codeForbidden:           http.StatusForbidden,
	codeMethod:              http.StatusMethodNotAllowed,
	models.CodeConflict:     http.StatusConflict,
	models.CodeTooLarge:     http.StatusRequestEntityTooLarge,
	codeMediaType:           http.StatusUnsupportedMediaType,
	codeHost:                http.StatusMisdirectedRequest,
	models.CodeInternal:     http.StatusInternalServerError,
	models.CodeBusy:         http.StatusTooManyRequests,
	models.CodeUnavailable:  http.StatusServiceUnavailable,
}

// problemMedia is the media type of problems (RFC 9457).
const problemMedia = "application/problem+json"

// problem is the body of every refusal.
type problem struct {
	client.Problem
	*client.Parts // of readiness alone
}

// fail ends the request with an error, which the problems middleware answers. Handlers return their error instead.
func fail(c *gin.Context, err error) {
	_ = c.Error(err) // it returns its argument, wrapped
	c.Abort()
}

// problems answers requests that failed. It is the only place where an error becomes a status.
func (s *server) problems(c *gin.Context) {
	c.Next()
	if len(c.Errors) == 0 {
		return
	}
	p := s.problemOf(c, c.Errors[0].Err)
	if c.Writer.Written() {
		return
	}
	if p.Status == http.StatusTooManyRequests {
		c.Header("Retry-After", "1") // seconds, in which the queue is written
	}
	body, _ := encode(p) // strings and a number always encode
	c.Data(p.Status, problemMedia, body)
}

// problemOf tells the caller the harmless part of err, and logs the whole for the operator.
func (s *server) problemOf(c *gin.Context, err error) problem {
	shown := shownError(err)
	p := problem{Problem: client.Problem{
		Type: "about:blank", Title: http.StatusText(statuses[shown.Code]), Status: statuses[shown.Code],
		Code: client.Code(shown.Code), Detail: shown.Detail, Field: shown.Field,
	}}
	if u, ok := errors.AsType[*unready](err); ok {
		p.Parts = &u.Parts
	}
	if p.Field != "" {
		p.Detail = p.Field + " " + p.Detail // the details of fields are predicates: "is required"
	}
	if p.Status >= http.StatusInternalServerError {
		s.logFailure(c, p, err)
	}
	return p
}

// shownError is the part of err that is meant for callers. Of an internal failure that is nothing.
func shownError(err error) models.Error {
	if e, ok := errors.AsType[*models.Error](err); ok && e.Code != models.CodeInternal && statuses[e.Code] != 0 {
		return *e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return *models.Errorf(models.CodeUnavailable, "the request could not be finished in time; try again")
	}
	return *models.Errorf(models.CodeInternal, "internal error")
}

func (s *server) logFailure(c *gin.Context, p problem, err error) {
	ctx, level := c.Request.Context(), slog.LevelError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		level = slog.LevelDebug // the caller hung up: nobody's fault
	case p.Status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	}
	s.Logger.LogAttrs(ctx, level, "api.request_failed", slog.String("request_id", c.GetString(requestIDKey)),
		slog.String("method", c.Request.Method), slog.String("route", c.FullPath()), slog.Int("status", p.Status),
		slog.Any("error", err))
}
