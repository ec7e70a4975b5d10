package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// receive handles any request to /in/{source id}: the webhook of another system is verified, stored as an event, and only then
// answered, in the form that the system expects. Providers take little but 200 for success, and wait for some seconds at most.
func (s *server) receive(c *gin.Context) error {
	source, err := s.receivingSource(c)
	if err != nil {
		return err
	}
	receiver, err := s.receivers.of(source)
	if err != nil {
		return fmt.Errorf("source %s: %w", models.ShortSourceID(source.ID), err)
	}
	answer, created, err := s.takeWebhook(c, source, receiver)
	s.noteWebhook(c, source, created, err)
	if err != nil {
		return refusal(c, receiver, err)
	}
	answer.Write(c.Writer)
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

// takeWebhook verifies a request and stores its event, or the secret that it brings. A handshake creates nothing.
func (s *server) takeWebhook(c *gin.Context, source *models.Source, receiver *receiver) (answer receivers.Answer, _ models.Created, err error) {
	result, err := s.verify(c, source, receiver)
	if err == nil {
		err = s.keep(c.Request.Context(), source, result)
	}
	if err != nil || result.Challenge {
		return result.Answer, models.Created{}, err
	}
	created, err := s.take(c.Request.Context(), s.webhookEvent(source, receiver, result.Event()))
	return result.Answer, created, err
}

// verify works on the bytes as they came, before anything decodes them. The URL is made of the source's public URL, never
// of the header Host.
func (s *server) verify(c *gin.Context, source *models.Source, receiver *receiver) (receivers.Result, error) {
	body, err := readBytes(c)
	if models.ErrorCode(err) == models.CodeTooLarge {
		err = fmt.Errorf("%w: %w", receivers.ErrTooLarge, err)
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
		return receivers.Result{}, refused{err}
	}
	return result, nil
}

// refused is an error of package receivers: the request is at fault, and not we.
type refused struct{ error }

// Unwrap returns the error of package receivers.
func (r refused) Unwrap() error { return r.error }

// refusalCodes maps the statuses of package receivers to the error codes of the API.
var refusalCodes = map[int]models.Code{
	http.StatusBadRequest: models.CodeInvalid, http.StatusUnauthorized: models.CodeUnauthorized,
	http.StatusForbidden: codeForbidden, http.StatusNotFound: models.CodeNotFound,
}

// refusal is the answer to a request that failed. Every sender who cannot prove itself gets the same answer: the reason would
// help a forger and goes to the log. Only the provider itself, whose signature holds, learns the fault of its body.
func refusal(c *gin.Context, receiver *receiver, err error) error {
	if _, ok := errors.AsType[refused](err); !ok {
		return err
	}
	status := receivers.Status(err)
	switch status {
	case http.StatusServiceUnavailable:
		return fmt.Errorf("%w (%w)", models.Errorf(models.CodeUnavailable, "the request cannot be verified now; send it again"), err)
	case http.StatusMethodNotAllowed:
		c.Header("Allow", receiver.methods)
		return models.Errorf(codeMethod, "webhooks do not come by this method")
	case http.StatusRequestEntityTooLarge:
		return models.Errorf(models.CodeTooLarge, "the body is over the limit when it is decompressed")
	case http.StatusUnsupportedMediaType:
		if errors.Is(err, receivers.ErrEncoding) {
			c.Header("Accept-Encoding", receivers.AcceptEncoding)
		}
		return models.Errorf(codeMediaType, "%s", receivers.Reason(err))
	default:
		return models.Errorf(refusalCodes[status], "the request is refused")
	}
}

// take stores the event of a webhook and has it dispatched. A delivery id that was used before for something else is told by
// the Err of the result, and is no failure: refused, the webhook would come again and again.
func (s *server) take(ctx context.Context, event *models.Event) (models.Created, error) {
	if err := event.Validate(); err != nil {
		return models.Created{}, fmt.Errorf("event of a webhook: %s", err.Error()) // not wrapped: it is our failure, not the provider's
	}
	created, err := s.accept(ctx, event)
	switch {
	case models.ErrorCode(err) == models.CodeBusy: // a provider may take 429 for its last word, 503 for none
		return models.Created{}, models.Errorf(models.CodeUnavailable, "the webhook cannot be stored now; send it again")
	case err != nil:
		return models.Created{}, err
	case created[0].Err != nil && models.ErrorCode(created[0].Err) != models.CodeConflict:
		return models.Created{}, created[0].Err
	}
	return created[0], nil
}

// noteWebhook counts and logs what became of a request to a source, without anything of its contents.
func (s *server) noteWebhook(c *gin.Context, source *models.Source, created models.Created, err error) {
	outcome := outcomeOf(created, err)
	if outcome == "" { // our failure, which is logged as one
		return
	}
	s.metrics.webhooks.WithLabelValues(source.Provider, outcome).Inc()
	ctx, log := c.Request.Context(), s.Logger.With(slog.String("request_id", c.GetString(requestIDKey)),
		slog.String("source_id", models.ShortSourceID(source.ID)), slog.String("tenant", source.Tenant), slog.String("provider", source.Provider))
	switch {
	case outcome == "busy", outcome == "unavailable": // the provider sends it again
	case err != nil:
		log.LogAttrs(ctx, slog.LevelWarn, "api.webhook_refused", slog.Any("error", err))
	case created.Err != nil:
		log.LogAttrs(ctx, slog.LevelWarn, "api.webhook_id_reused", slog.Any("error", created.Err))
	case created.Duplicate:
		log.LogAttrs(ctx, slog.LevelInfo, "api.webhook_repeated", slog.String("event_id", created.Event.ID))
	}
}

// outcomeOf names what the request created, or why it was refused, for the metric. It is empty where the failure is ours.
func outcomeOf(created models.Created, err error) string {
	switch {
	case err != nil:
		return reasonOf(err)
	case created.Err != nil:
		return "reused"
	case created.Duplicate:
		return "repeated"
	case created.Event == nil:
		return "challenge"
	default:
		return "accepted"
	}
}

// refusals names the reasons for refusing a webhook.
var refusals = []struct {
	err  error
	name string
}{
	{receivers.ErrMethod, "method"},
	{receivers.ErrTooLarge, "too_large"},
	{receivers.ErrMissing, "not_signed"},
	{receivers.ErrMalformed, "malformed"},
	{receivers.ErrEncoding, "encoding"},
	{receivers.ErrNotText, "not_text"},
	{receivers.ErrBadTime, "bad_time"},
	{receivers.ErrTooOld, "too_old"},
	{receivers.ErrTooNew, "too_new"},
	{receivers.ErrNoMatch, "no_match"},
	{receivers.ErrCertificate, "certificate"},
	{receivers.ErrUnavailable, "unavailable"},
}

// reasonOf names the reason for which a webhook is refused; it is empty where the failure is ours.
func reasonOf(err error) string {
	if models.ErrorCode(err) == models.CodeBusy {
		return "busy"
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal.err) {
			return refusal.name
		}
	}
	if _, ok := errors.AsType[refused](err); ok {
		return "other"
	}
	return ""
}

// errKept tells that the source has a credential by now: another handshake was first.
var errKept = errors.New("the source has a secret already")

// keep stores the secret that the provider brought, before the answer: afterwards the provider signs with it. Only a
// source that was made without a credential takes a secret, and only the first one; after an operator has emptied its
// credentials, it takes another one. The audit records it.
func (s *server) keep(ctx context.Context, source *models.Source, result receivers.Result) error {
	secret := result.Keep()
	if secret == "" {
		return nil
	}
	_, err := s.Store.UpdateSource(ctx, source.ID, func(now *models.Source) error {
		if !awaitsSecret(now) {
			return errKept
		}
		now.Credentials = append(now.Credentials, models.SourceCredential{Secret: secret})
		return nil
	}, models.AuditEntry{Action: models.AuditKeepSecret, Why: models.Why{By: source.Provider, Reason: "the provider's handshake"}})
	switch {
	case errors.Is(err, errKept):
		return refused{fmt.Errorf("%w: %w", receivers.ErrNoMatch, err)}
	case err != nil:
		return fmt.Errorf("keep the secret of a source: %w", err)
	}
	return nil
}

// awaitsSecret reports whether the source has no credential beside which a secret from the provider would stand.
func awaitsSecret(source *models.Source) bool {
	for _, credential := range source.Credentials {
		if credential.Scheme == "" {
			return false
		}
	}
	return true
}
