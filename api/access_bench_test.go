package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/models"
)

// BenchmarkPublishWithKeys publishes on Postgres with the root key, with a key that holds a scope, and with that key beside a
// thousand wrong keys a second, in turns of one event each. It reports the time of the second and third over that of the one before.
func BenchmarkPublishWithKeys(b *testing.B) {
	handler, scoped := benchHandler(b)
	attack := newAttack(b, handler)
	var root, alone, beside time.Duration
	for b.Loop() {
		for range benchTurn {
			root += timed(b, handler, apiKey)
		}
		for range benchTurn {
			alone += timed(b, handler, scoped)
		}
		stop := attack()
		for range benchTurn {
			beside += timed(b, handler, scoped)
		}
		stop()
	}
	b.ReportMetric(float64(root.Microseconds())/float64(b.N*benchTurn), "root-µs")
	b.ReportMetric(float64(alone)/float64(root), "scoped/root")
	b.ReportMetric(float64(beside)/float64(alone), "attacked/scoped")
}

const (
	benchTurn    = 200  // events
	benchAttacks = 1000 // wrong keys a second
)

func benchHandler(b *testing.B) (handler http.Handler, scoped string) {
	b.Helper()
	keys, err := keyring.Parse(keyring.New())
	require.NoError(b, err)
	s, err := store.Open(b.Context(), store.Options{DatabaseURL: pgtest.URL(b), Keys: keys})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	_, err = s.Migrate(b.Context())
	require.NoError(b, err)
	handler, err = api.New(api.Deps{
		Store: s, Dispatcher: &dispatcher{}, Control: &control{}, Destinations: destinations{}, Engine: &engine{}, APIKey: apiKey,
		UIURL: "http://ui.test/", Namespace: "posthaste", Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	key, scoped := models.NewAPIKey(models.APIKey{Name: "one", Scopes: []models.Scope{models.ScopePublish}}, time.Now())
	require.NoError(b, s.CreateAPIKey(b.Context(), key))
	return handler, scoped
}

// newAttack returns a function that sends wrong keys until the function that it returns is called.
func newAttack(b *testing.B, handler http.Handler) func() (stop func()) {
	return func() (stop func()) {
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan struct{})
		pace := rate.NewLimiter(benchAttacks, 10)
		go func() {
			defer close(ended)
			for pace.Wait(ctx) == nil {
				_, wrong := models.NewAPIKey(models.APIKey{}, time.Now())
				go publish(handler, wrong)
			}
		}()
		return func() { cancel(); <-ended }
	}
}

func timed(b *testing.B, handler http.Handler, key string) time.Duration {
	b.Helper()
	began := time.Now()
	require.Equal(b, http.StatusAccepted, publish(handler, key))
	return time.Since(began)
}

func publish(handler http.Handler, key string) (status int) {
	request := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(`{"type":"order.paid","data":{"n":1}}`))
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Code
}
