package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// receive handles any request to /in/{source id}: what another system posts is verified, stored as an event, and only then
// answered, as that system wants it. Providers take little but 200 for success, and wait for some seconds at most.
func (s *server) receive(c *gin.Context) error {
	source, err := s.receivingSource(c)
	if err != nil {
		return err
	}
	receiver, err := s.receivers.of(source)
	if err != nil {
		return fmt.Errorf("source %s: %w", models.ShortSourceID(source.ID), err)
	}
	result, err := s.verify(c, source, receiver)
	if err != nil {
		return err
	}
	outcome := "challenge"
	if err := s.keep(c, source, result); err != nil {
		return err
	}
	if !result.Challenge {
		if outcome, err = s.take(c, source, s.webhookEvent(source, receiver, result.Event())); err != nil {
			return err
		}
	}
	s.metrics.webhooks.WithLabelValues(source.Provider, outcome).Inc()
	result.Answer.Write(c.Writer)
	return nil
}

// receivingSource finds the source that the path names. A disabled source, an unknown source and any other unknown path
// get the same answer, so that nobody can find out which ids exist.
func (s *server) receivingSource(c *gin.Context) (*models.Source, error) {
	id := c.Param("id")
	if !models.ValidID(models.SourcePrefix, id) {
		return nil, errNoRoute
	}
	source, err := s.Store.Source(c.Request.Context(), id)
	switch {
	case models.ErrorCode(err) == models.CodeNotFound:
		return nil, errNoRoute
	case err != nil:
		return nil, fmt.Errorf("find source: %w", err)
	case source.Status != models.SourceActive:
		return nil, errNoRoute
	}
	return source, nil
}

// verify works on the bytes as they came, before anything decodes them. The URL is made of the source's public URL, never
// of the header Host.
func (s *server) verify(c *gin.Context, source *models.Source, receiver *receiver) (receivers.Result, error) {
	body, err := readBytes(c)
	if models.ErrorCode(err) == models.CodeBusy {
		s.metrics.webhooks.WithLabelValues(source.Provider, "busy").Inc()
	}
	if models.ErrorCode(err) == models.CodeTooLarge {
		s.metrics.webhooks.WithLabelValues(source.Provider, outcomeOf(receivers.ErrTooLarge)).Inc()
		s.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "api.webhook_refused",
			append(aboutWebhook(c, source), slog.Any("error", err))...)
	}
	if err != nil {
		return receivers.Result{}, err
	}
	result, err := receiver.Verify(c.Request.Context(), receivers.Request{
		Method: c.Request.Method, URL: strings.TrimRight(source.PublicURL, "/") + c.Request.URL.RequestURI(),
		Header: c.Request.Header, Body: body, Now: s.Now(),
	})
	if err != nil {
		leaseOf(c).refuse()
	}
	switch {
	case errors.Is(err, receivers.ErrMethod):
		c.Header("Allow", receiver.methods)
	case errors.Is(err, receivers.ErrEncoding):
		c.Header("Accept-Encoding", receivers.AcceptEncoding)
	}
	return result, s.refusal(c, source, err)
}

// refusalCodes maps the statuses of package receivers to the error codes of the API.
var refusalCodes = map[int]models.Code{
	http.StatusBadRequest: models.CodeInvalid, http.StatusUnauthorized: models.CodeUnauthorized,
	http.StatusForbidden: codeForbidden, http.StatusNotFound: models.CodeNotFound,
}

// refusal gives every sender the same answer: the reason would help a forger and goes to the log. Only the provider itself,
// whose signature holds, learns the fault of its body.
func (s *server) refusal(c *gin.Context, source *models.Source, err error) error {
	if err == nil {
		return nil
	}
	s.metrics.webhooks.WithLabelValues(source.Provider, outcomeOf(err)).Inc()
	if errors.Is(err, receivers.ErrUnavailable) {
		return fmt.Errorf("%w (%w)", models.Errorf(models.CodeUnavailable, "the request cannot be verified now; send it again"), err)
	}
	s.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "api.webhook_refused", append(aboutWebhook(c, source), slog.Any("error", err))...)
	status := receivers.Status(err)
	switch status {
	case http.StatusMethodNotAllowed:
		return models.Errorf(codeMethod, "webhooks do not come by this method")
	case http.StatusRequestEntityTooLarge:
		return models.Errorf(models.CodeTooLarge, "the body is over the limit when it is decompressed")
	case http.StatusUnsupportedMediaType:
		return models.Errorf(codeMediaType, "%s", receivers.Reason(err))
	}
	return models.Errorf(refusalCodes[status], "the request is refused")
}

// take stores the event of a webhook, has it dispatched, and tells what became of it.
func (s *server) take(c *gin.Context, source *models.Source, event *models.Event) (outcome string, err error) {
	if err := event.Validate(); err != nil {
		return "", fmt.Errorf("event of a webhook: %s", err.Error()) // not wrapped: it is our failure, not the provider's
	}
	created, err := s.accept(c.Request.Context(), event)
	if models.ErrorCode(err) == models.CodeBusy { // a provider may take 429 for its last word, 503 for none
		return "", models.Errorf(models.CodeUnavailable, "the webhook cannot be stored now; send it again")
	}
	if err != nil {
		return "", err
	}
	return s.outcome(c, source, created[0])
}

// outcome logs what makes no event. It is answered 200 all the same: refused, it would come again and again.
func (s *server) outcome(c *gin.Context, source *models.Source, created models.Created) (string, error) {
	ctx, about := c.Request.Context(), aboutWebhook(c, source)
	switch {
	case models.ErrorCode(created.Err) == models.CodeConflict: // a delivery id that was used before for something else
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "api.webhook_id_reused", append(about, slog.Any("error", created.Err))...)
		return "reused", nil
	case created.Err != nil:
		return "", created.Err
	case created.Duplicate:
		s.Logger.LogAttrs(ctx, slog.LevelInfo, "api.webhook_repeated", append(about, slog.String("event_id", created.Event.ID))...)
		return "repeated", nil
	}
	return "accepted", nil
}

// aboutWebhook returns the log attributes of a webhook, which hold nothing of its contents.
func aboutWebhook(c *gin.Context, source *models.Source) []slog.Attr {
	return []slog.Attr{
		slog.String("request_id", c.GetString(requestIDKey)), slog.String("source_id", models.ShortSourceID(source.ID)),
		slog.String("tenant", source.Tenant), slog.String("provider", source.Provider),
	}
}
