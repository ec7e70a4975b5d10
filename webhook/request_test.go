package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// meter counts what is read from an endless body.
type meter struct{ read int }

func (m *meter) Read(p []byte) (int, error) {
	m.read += len(p)
	return len(p), nil
}

func post(h http.Header, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hook", body)
	r.Header = h
	return r
}

func TestVerifyRequest(t *testing.T) {
	t.Parallel()

	t.Run("gives the body with the message", func(t *testing.T) {
		t.Parallel()
		msg, err := mustVerifier(t, []string{secret32}).VerifyRequest(post(goodHeaders(), strings.NewReader(orderBody)))
		require.NoError(t, err)
		require.Equal(t, webhook.Message{ID: eventID, Timestamp: sentAt.UTC(), Body: []byte(orderBody)}, msg)
	})

	t.Run("takes a body exactly at the limit, its length known or not", func(t *testing.T) {
		t.Parallel()
		for _, body := range []io.Reader{strings.NewReader(orderBody), iotest.OneByteReader(strings.NewReader(orderBody))} {
			_, err := mustVerifier(t, []string{secret32}, webhook.WithMaxBody(int64(len(orderBody)))).VerifyRequest(post(goodHeaders(), body))
			require.NoError(t, err)
		}
	})

	t.Run("refuses a body one byte over the limit, its length known or not", func(t *testing.T) {
		t.Parallel()
		for _, body := range []io.Reader{strings.NewReader(orderBody), iotest.OneByteReader(strings.NewReader(orderBody))} {
			msg, err := mustVerifier(t, []string{secret32}, webhook.WithMaxBody(int64(len(orderBody))-1)).VerifyRequest(post(goodHeaders(), body))
			require.ErrorIs(t, err, webhook.ErrTooLarge)
			require.Zero(t, msg)
		}
	})

	t.Run("stops reading an endless body at one mebibyte by default", func(t *testing.T) {
		t.Parallel()
		endless := &meter{}
		_, err := mustVerifier(t, []string{secret32}).VerifyRequest(post(goodHeaders(), endless))
		require.ErrorIs(t, err, webhook.ErrTooLarge)
		require.True(t, endless.read <= webhook.DefaultMaxBody+1, "%d bytes were read", endless.read)
	})

	t.Run("reads nothing when the headers will not do", func(t *testing.T) {
		t.Parallel()
		endless := &meter{}
		verifier := mustVerifier(t, []string{secret32}, clockAt(sentAt.Add(time.Hour)))
		_, err := verifier.VerifyRequest(post(goodHeaders(), endless))
		require.ErrorIs(t, err, webhook.ErrTooOld)
		require.Zero(t, endless.read)
	})

	t.Run("refuses a body that does not fit", func(t *testing.T) {
		t.Parallel()
		_, err := mustVerifier(t, []string{secret32}).VerifyRequest(post(goodHeaders(), strings.NewReader("{}")))
		require.ErrorIs(t, err, webhook.ErrNoMatch)
	})

	t.Run("passes on why the body could not be read", func(t *testing.T) {
		t.Parallel()
		cut := errors.New("connection cut")
		_, err := mustVerifier(t, []string{secret32}).VerifyRequest(post(goodHeaders(), iotest.ErrReader(cut)))
		require.ErrorIs(t, err, cut)
	})

	t.Run("takes a request without a body", func(t *testing.T) {
		t.Parallel()
		r := post(headers(eventID, "1732233600", "v1,cVzIqZ9tcFoAn4yj2CSORiMjlabjMkyOcnhMFfQ2RaM="), nil)
		r.Body = nil
		_, err := mustVerifier(t, []string{secret32}).VerifyRequest(r)
		require.NoError(t, err)
	})
}
