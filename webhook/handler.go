package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// WithMaxBody sets the longest body that [Verifier.VerifyRequest] and
// [Verifier.Handler] accept, in bytes. Zero or less means [DefaultMaxBody].
func WithMaxBody(bytes int64) Option { return func(v *Verifier) { v.maxBody = bytes } }

// WithLogger sets the logger to which [Verifier.Handler] writes why it refused
// a request or did not handle it. With nil, the default, nothing is logged.
func WithLogger(log *slog.Logger) Option { return func(v *Verifier) { v.log = log } }

// HandlerFunc handles a message. An error means that the message is not
// handled, so that the sender sends it again. The context is the request's.
type HandlerFunc func(context.Context, Message) error

// Handler returns an HTTP handler that passes every verified message to handle.
// It answers 204 when handle succeeds and 500 when it fails. The same message
// may come again, even after a 204 that was lost on its way: handle it once for
// each [Message.ID]. Senders wait some seconds only, so store the message
// first, and do long work afterwards.
//
// A message that does not verify is answered with 401, a body that is too long
// with 413, and a method other than POST with 405, all without the reason,
// which would help a forger; see [WithLogger].
func (v *Verifier) Handler(handle HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "refused", http.StatusMethodNotAllowed)
			return
		}
		msg, err := v.VerifyRequest(r)
		if err != nil {
			v.note(r, slog.LevelWarn, "webhook.refused", err)
			http.Error(w, "refused", statusOf(err))
			return
		}
		if err := handle(r.Context(), msg); err != nil {
			v.note(r, slog.LevelError, "webhook.not_handled", err)
			http.Error(w, "not handled", http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func statusOf(err error) int {
	if errors.Is(err, ErrTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusUnauthorized
}

func (v *Verifier) note(r *http.Request, level slog.Level, message string, err error) {
	if v.log != nil {
		v.log.LogAttrs(r.Context(), level, message, slog.Any("error", err)) //nolint:sloglint // its two callers give literals
	}
}
