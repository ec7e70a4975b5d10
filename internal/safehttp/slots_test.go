package safehttp_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// Many subscribers may share a host, such as that of an integration service. Those that hang take nothing from the others.
func TestHangingRequestsDoNotDelayOthersToTheSameHost(t *testing.T) {
	t.Parallel()
	const hanging = 200
	arrived := make(chan struct{}, hanging)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/well" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	c := newClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for range hanging {
		busy.Go(func() { _, _ = c.Send(ctx, safehttp.Request{URL: url, Timeout: models.MaxTimeout}) })
	}
	for range hanging {
		<-arrived
	}
	got, err := c.Send(t.Context(), safehttp.Request{URL: url + "/well", Timeout: 5 * time.Second})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, got.Status)
	cancel()
	busy.Wait()
}
