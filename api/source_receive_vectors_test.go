package api_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// vector is a request of a provider and what is to become of it, from the tests of package receivers.
type vector struct {
	ID, Kind, Provider, Secret, Method, URL, Body, Event string
	KeyID                                                string `json:"key_id"`
	DeliveryID                                           string `json:"delivery_id"`
	SchemeName                                           string `json:"scheme_name"`
	Valid                                                bool
	Headers                                              map[string]string
	Now                                                  int64
	Tolerance                                            *int `json:"tolerance_seconds"`
	Scheme                                               *receivers.Scheme
	Response                                             *struct {
		Status int
		Body   *string
	}
}

// applies leaves out what signs the URL, which differs here, and what needs a row or a certificate of its own.
func (v vector) applies() bool {
	row := receivers.Named(v.Provider)
	return v.Secret != "" && v.Scheme == nil && len(row.Auth) > 0 && row.Auth[0].Key != "cert" && !row.SignsURL() &&
		(v.Tolerance == nil || *v.Tolerance != 0)
}

// What package receivers takes and refuses, the API does, byte for byte.
func TestReceiveVectors(t *testing.T) {
	t.Parallel()
	var now time.Time
	h := newHarness(t, func(d *api.Deps) { d.Now = func() time.Time { return now } })
	for _, name := range []string{"vectors.json", "ours.json", "handshakes.json"} {
		var file struct{ Vectors []vector }
		raw, err := os.ReadFile("../webhook/receivers/testdata/" + name)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &file))
		taken := 0
		for _, v := range slices.DeleteFunc(file.Vectors, func(v vector) bool { return !v.applies() }) {
			taken++
			if now = time.Now(); v.Now != 0 {
				now = time.Unix(v.Now, 0)
			}
			h.receiveVector(v)
		}
		require.Greater(t, taken, 20, name)
	}
}

func (h *harness) receiveVector(v vector) {
	h.t.Helper()
	credentials := []models.SourceCredential{{ID: v.KeyID, Secret: v.Secret, Scheme: v.SchemeName}}
	if v.SchemeName != "" { // it is for handshakes alone
		credentials = append(credentials, models.SourceCredential{Secret: hush})
	}
	in, err := json.Marshal(map[string]any{"provider": v.Provider, "credentials": credentials})
	require.NoError(h.t, err)
	created := h.do(http.MethodPost, sourcesPath, string(in))
	if created.status != http.StatusCreated {
		require.False(h.t, v.Valid, "%s: %s", v.ID, created.body)
		return
	}
	path := "/in/" + text(h.t, created.object()["id"])
	if _, query, ok := strings.Cut(v.URL, "?"); ok {
		path += "?" + query
	}
	var headers []string
	for name, value := range v.Headers {
		headers = append(headers, name, value)
	}
	a := h.post(v.Method, path, v.Body, headers...)
	require.Equal(h.t, v.Valid, a.status/100 == 2, "%s: %d %s", v.ID, a.status, a.body)
	if v.Response != nil && v.Response.Status != 0 {
		require.Equal(h.t, v.Response.Status, a.status, v.ID)
	}
	events := h.sourceEvents(created)
	if !v.Valid || v.Kind == "challenge" {
		require.Empty(h.t, events, v.ID)
		return
	}
	require.Len(h.t, events, 1, v.ID)
	if v.DeliveryID != "" {
		require.Equal(h.t, v.DeliveryID, events[0].Metadata["delivery_id"], v.ID)
	}
	if v.Response != nil && v.Response.Body != nil {
		require.Equal(h.t, *v.Response.Body, a.body, v.ID)
	}
}

// amazon serves what SNS does, and remembers what it was asked for.
type amazon struct {
	serves map[string]string
	down   atomic.Bool
	mu     sync.Mutex
	asked  []string
}

func (a *amazon) Fetch(_ context.Context, url string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked = append(a.asked, url); a.down.Load() {
		return nil, errors.New("no route")
	}
	if text, ok := a.serves[url]; ok {
		return []byte(text), nil
	}
	return nil, receivers.ErrCertificate
}

func (a *amazon) visits() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(a.asked), func(url string) bool { return !strings.Contains(url, "ConfirmSubscription") }))
}

// A subscription of SNS is confirmed once its signature holds, once for each message, through the same door as certificates.
func TestSubscriptionsOfSNSAreConfirmedOnce(t *testing.T) {
	t.Parallel()
	var file struct {
		Certs   map[string]string
		Chain   []string
		Vectors []vector
	}
	raw, err := os.ReadFile("../webhook/receivers/testdata/handshakes.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &file))
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(file.Chain[0])))
	at := func(id string) vector {
		return file.Vectors[slices.IndexFunc(file.Vectors, func(v vector) bool { return v.ID == id })]
	}
	aws := &amazon{serves: file.Certs}
	h := newHarness(t, func(d *api.Deps) {
		d.Now = func() time.Time { return time.Unix(at("sns-confirmation").Now, 0) }
		d.Certificates = receivers.NewCertificates(aws, roots)
	})
	path := "/in/" + h.source(`{"provider":"sns","credentials":[{"secret":"`+at("sns-confirmation").Secret+`"}]}`)
	post := func(id string) *answer {
		return h.post(http.MethodPost, path, at(id).Body, "Content-Type", "text/plain")
	}

	for _, id := range []string{"sns-confirmation-forged", "sns-confirmation-elsewhere"} {
		require.Equal(t, http.StatusUnauthorized, post(id).status, id)
	}
	require.Zero(t, aws.visits())
	require.Equal(t, http.StatusOK, post("sns-version-2").status)
	require.Len(t, h.events(), 1)

	aws.down.Store(true) // the certificate is kept by now
	require.Equal(t, http.StatusServiceUnavailable, post("sns-confirmation").status, "SNS sends it again")
	aws.down.Store(false)
	require.Equal(t, 1, aws.visits())
	for range 3 {
		require.Equal(t, http.StatusOK, post("sns-confirmation").status)
	}
	require.Equal(t, 2, aws.visits(), "not again once it succeeded")
	require.Equal(t, http.StatusUnauthorized, post("sns-cert-not-there").status, "Amazon says that there is none")
	require.Len(t, h.events(), 1, "handed to nobody")
}

// sourceEvents are those that came to the source.
func (h *harness) sourceEvents(source *answer) []*models.Event {
	h.t.Helper()
	return slices.DeleteFunc(h.events(), func(e *models.Event) bool { return e.Metadata["source"] != source.object()["id"] })
}
