package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
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
	Valid                                                bool
	Headers                                              map[string]string
	Now                                                  int64
	Tolerance                                            *int `json:"tolerance_seconds"`
	Scheme                                               *receivers.Scheme
	Response                                             *struct{ Body *string }
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
	for _, name := range []string{"vectors.json", "ours.json"} {
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
	in, err := json.Marshal(map[string]any{
		"provider": v.Provider, "credentials": []models.SourceCredential{{ID: v.KeyID, Secret: v.Secret}},
	})
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
	require.Equal(h.t, v.Valid, a.status == http.StatusOK, "%s: %d %s", v.ID, a.status, a.body)
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

// sourceEvents are those that came to the source.
func (h *harness) sourceEvents(source *answer) []*models.Event {
	h.t.Helper()
	return slices.DeleteFunc(h.events(), func(e *models.Event) bool { return e.Metadata["source"] != source.object()["id"] })
}
