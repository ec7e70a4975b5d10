package receivers

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// HandlerFunc handles an event. An error means that the event is not handled,
// so that the provider sends it again. The context is the request's.
type HandlerFunc func(context.Context, Event) error

// Handler makes a [Receiver.Handler] with [New] and no options. It panics where
// New returns an error, and for a provider that signs the URL, because that
// needs [WithPublicURL]: a service that cannot receive should not start.
func Handler(p Provider, credentials []Credential, handlers ...HandlerFunc) http.Handler {
	r, err := New(p, credentials)
	if err != nil {
		panic(err)
	}
	return r.Handler(handlers...)
}

// Handler returns an HTTP handler that passes every event to the handlers, in
// order, and answers the provider when all are done. The first error stops the
// sequence and answers 500, so that the provider sends the event again; all
// handlers then see it again, so each should act once for each [Event.ID].
// Challenges are answered and not passed on. A request that [Receiver.Verify]
// refuses is answered with [Status] and no reason, unless it is verified and
// its body is at fault.
//
// Providers wait a few seconds only (Slack three): store the event, and do long
// work afterwards. The HTTP handler must be mounted at the path of the URL that
// was given to the provider, for every method, and without middleware that
// reads or changes the request.
//
// Handler panics without handlers, without [WithPublicURL] for a provider that
// signs the URL, and for a provider that brings its secret while there is no
// credential: the secret has to be stored, with [Receiver.Verify] and
// [Result.Keep].
func (r *Receiver) Handler(handlers ...HandlerFunc) http.Handler {
	if len(handlers) == 0 {
		panic("receivers: no handlers: events would be answered and lost")
	}
	if r.publicURL == "" && r.provider.SignsURL() {
		panic("receivers: " + r.provider.Name + " signs the URL: WithPublicURL has to say which it is")
	}
	if r.provider.keeps() && !r.provider.proving() {
		panic("receivers: " + r.provider.Name + " brings the secret, which has to be stored: use Verify and Result.Keep")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, handlers) })
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request, handlers []HandlerFunc) {
	ctx := req.Context()
	result, err := r.receive(w, req)
	if err != nil {
		r.refuse(w, req, err)
		return
	}
	if !result.Challenge {
		if err := handle(ctx, result.Event(), handlers); err != nil {
			r.log.ErrorContext(ctx, "webhook.not_handled", slog.String("provider", r.provider.Name), slog.Any("error", err))
			http.Error(w, "not handled", http.StatusInternalServerError)
			return
		}
	}
	result.Answer.Write(w)
}

func handle(ctx context.Context, event Event, handlers []HandlerFunc) error {
	for _, h := range handlers {
		if err := h(ctx, event); err != nil {
			return err
		}
	}
	return nil
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) (Result, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, r.maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return Result{}, ErrTooLarge
	}
	if err != nil {
		return Result{}, errors.Join(ErrMalformed, err)
	}
	return r.Verify(req.Context(), Request{
		Method: req.Method, URL: r.publicURL + req.URL.RequestURI(), Header: req.Header, Body: body,
	})
}

// refuse answers everybody alike: the reason would help a forger. Only the
// provider itself learns what is wrong with its body.
func (r *Receiver) refuse(w http.ResponseWriter, req *http.Request, err error) {
	r.log.WarnContext(req.Context(), "webhook.refused", slog.String("provider", r.provider.Name), slog.Any("error", err))
	status, reason := Status(err), "refused"
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", strings.Join(r.provider.methods, ", "))
	case http.StatusUnsupportedMediaType:
		reason = Reason(err)
		if errors.Is(err, ErrEncoding) {
			w.Header().Set("Accept-Encoding", AcceptEncoding)
		}
	}
	http.Error(w, reason, status)
}
