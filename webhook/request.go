package webhook

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// DefaultMaxBody is the longest body that [Verifier.VerifyRequest] accepts
// without [WithMaxBody], in bytes: 1 MiB. The specification advises senders to
// stay below 20 kB ("Payload size").
const DefaultMaxBody = 1 << 20

// VerifyRequest reads the body of r and verifies it like [Verifier.Verify]. A
// body that is longer than [WithMaxBody] allows is [ErrTooLarge], and at most
// one byte past the limit is read.
//
// The headers are checked first: a request with missing headers or a stale
// timestamp is refused with its body unread. The body has been read to its end
// afterwards; take it from the message. A failure to read wraps the reader's
// error.
func (v *Verifier) VerifyRequest(r *http.Request) (Message, error) {
	e, err := v.checkHeaders(r.Header)
	if err != nil {
		return Message{}, err
	}
	body, err := readBody(r, v.maxBody)
	if err != nil {
		return Message{}, err
	}
	return v.match(e, body)
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	if r.ContentLength > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	if r.Body == nil { // requests made by hand; a server always sets it
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: read body: %w", err)
	}
	return body, nil
}
