package receivers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// fetcherFunc is a Fetcher that counts.
type fetcherFunc struct {
	calls atomic.Int64
	fetch func(ctx context.Context, url string) ([]byte, error)
}

func (f *fetcherFunc) Fetch(ctx context.Context, url string) ([]byte, error) {
	f.calls.Add(1)
	return f.fetch(ctx, url)
}

// paypal is a webhook whose certificate the file serves, and a receiver for
// it that fetches with f.
func paypal(t *testing.T, f receivers.Fetcher) (vector, *receivers.Receiver) {
	t.Helper()
	file := loadVectors(t, "ours.json")
	for _, v := range file.Vectors {
		if v.ID == "paypal-own" {
			certs := receivers.NewCertificates(f, file.roots(t))
			receiver, err := receivers.New(v.row(), receivers.Secrets(v.Secret), receivers.WithCertificates(certs))
			require.NoError(t, err)
			return v, receiver
		}
	}
	t.Fatal("no vector")
	return vector{}, nil
}

// fromFile serves every URL with the right certificate.
func fromFile(t *testing.T) *fetcherFunc {
	t.Helper()
	file := loadVectors(t, "ours.json")
	return &fetcherFunc{fetch: func(context.Context, string) ([]byte, error) {
		for _, text := range file.Certs {
			return []byte(text), nil
		}
		return nil, errors.New("none")
	}}
}

func TestCertificatesAreFetchedOnce(t *testing.T) {
	t.Parallel()

	f := fromFile(t)
	v, receiver := paypal(t, f)
	for range 3 {
		_, err := receiver.Verify(t.Context(), v.request())
		require.NoError(t, err)
	}
	require.Equal(t, int64(1), f.calls.Load())
}

func TestCertificatesComeFromTheProviderOnly(t *testing.T) {
	t.Parallel()

	f := fromFile(t)
	v, receiver := paypal(t, f)
	for _, url := range []string{
		"http://api.paypal.com/c", "https://api.paypal.com.evil.example/c", "https://evil.example/api.paypal.com", "https://evilpaypal.com/c",
		"https://api.paypal.com:443/c", "https://api.paypal.com:8443/c", "https://api.paypal.com@evil.example/c", "https://x@api.paypal.com/c",
		"https://API.paypal.com/c", "https://api.paypal.com./c", "//api.paypal.com/c", "api.paypal.com/c", "https:api.paypal.com/c",
		"https://api.paypal.com/c?x=1", "https://api.paypal.com/c#x", "https://169.254.169.254/c", "https://[::1]/c", "file:///etc/passwd",
		"https://api.paypal.com\\@evil.example/c", "https://evil.example\\.api.paypal.com/c", " https://api.paypal.com/c", "", "%",
	} {
		req := v.request()
		req.Header.Set("Paypal-Cert-Url", url)
		_, err := receiver.Verify(t.Context(), req)
		require.Equal(t, http.StatusUnauthorized, receivers.Status(err), "%q: %v", url, err)
	}
	require.Zero(t, f.calls.Load(), "refused before anything is fetched")
}

// A certificate that cannot be had now may be had later; the provider asks again.
func TestCertificatesThatCannotBeFetched(t *testing.T) {
	t.Parallel()

	v, receiver := paypal(t, &fetcherFunc{fetch: func(context.Context, string) ([]byte, error) { return nil, errors.New("no route") }})
	_, err := receiver.Verify(t.Context(), v.request())
	require.ErrorIs(t, err, receivers.ErrUnavailable)
	require.Equal(t, http.StatusServiceUnavailable, receivers.Status(err))
}

func TestCertificatesThatAreNone(t *testing.T) {
	t.Parallel()

	for name, text := range map[string]string{
		"nothing": "", "text": "hello", "a broken one": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"the root, in another's name": loadVectors(t, "ours.json").Chain[0],
	} {
		f := &fetcherFunc{fetch: func(context.Context, string) ([]byte, error) { return []byte(text), nil }}
		v, receiver := paypal(t, f)
		for range 2 {
			_, err := receiver.Verify(t.Context(), v.request())
			require.ErrorIs(t, err, receivers.ErrCertificate, name)
		}
		require.Equal(t, int64(2), f.calls.Load(), "what is wrong is not kept")
	}
}

func TestCertificatesOfOtherRootsAreRefused(t *testing.T) {
	t.Parallel()

	v, _ := paypal(t, fromFile(t))
	others := receivers.NewCertificates(fromFile(t), loadVectors(t, "vectors.json").roots(t))
	receiver, err := receivers.New(v.row(), receivers.Secrets(v.Secret), receivers.WithCertificates(others))
	require.NoError(t, err)
	_, err = receiver.Verify(t.Context(), v.request())
	require.ErrorIs(t, err, receivers.ErrCertificate)
}

// More certificates than the provider has cannot fill memory.
func TestFewCertificatesAreKept(t *testing.T) {
	t.Parallel()

	f := fromFile(t)
	v, receiver := paypal(t, f)
	verifyAll := func() {
		for i := range 20 {
			req := v.request()
			req.Header.Set("Paypal-Cert-Url", fmt.Sprintf("https://api.paypal.com/%d", i))
			_, err := receiver.Verify(t.Context(), req)
			require.NoError(t, err)
		}
	}
	verifyAll()
	require.Equal(t, int64(20), f.calls.Load())
	verifyAll()
	require.True(t, f.calls.Load() >= 24, "four of twenty at least were dropped")
}

// Four fetches at a time, and who waits for a fifth does not wait for ever.
func TestFewCertificatesAreFetchedAtATime(t *testing.T) {
	t.Parallel()

	begun, release := make(chan struct{}), make(chan struct{})
	f := fromFile(t)
	right := f.fetch
	f.fetch = func(ctx context.Context, url string) ([]byte, error) {
		begun <- struct{}{}
		<-release
		return right(ctx, url)
	}
	v, receiver := paypal(t, f)
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := receiver.Verify(context.Background(), v.request())
			done <- err
		}()
	}
	for range 4 {
		<-begun
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := receiver.Verify(gone, v.request())
	require.ErrorIs(t, err, receivers.ErrUnavailable)
	close(release)
	for range 4 {
		require.NoError(t, <-done)
	}
	require.Equal(t, int64(4), f.calls.Load())
}

func TestFetcher(t *testing.T) {
	t.Parallel()

	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("pem")) })
	mux.Handle("/moved", http.RedirectHandler("/ok", http.StatusFound))
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat("x", 64<<10+1))) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	for _, client := range []*http.Client{nil, server.Client()} {
		f := receivers.NewFetcher(client)
		text, err := f.Fetch(t.Context(), server.URL+"/ok")
		require.NoError(t, err)
		require.Equal(t, "pem", string(text))
		for _, path := range []string{"/moved", "/long", "/missing"} {
			_, err := f.Fetch(t.Context(), server.URL+path)
			require.Error(t, err, path)
		}
	}
	require.Nil(t, server.Client().CheckRedirect, "the client given is not changed")
}
