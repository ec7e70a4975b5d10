package safehttp_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// Many deliveries to one host wait for each other's connections. That is our limit, not the receiver's failure.
func TestWaitingForAConnectionIsOurs(t *testing.T) {
	t.Parallel()
	const limit = 64
	arrived := make(chan struct{}, limit)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	c := newClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for range limit {
		busy.Go(func() { _, _ = c.Send(ctx, models.Request{URL: url, Timeout: models.MaxTimeout}) })
	}
	for range limit {
		<-arrived
	}
	_, err := c.Send(t.Context(), models.Request{URL: url, Timeout: 200 * time.Millisecond})
	require.ErrorContains(t, err, "no free connection")
	cancel()
	busy.Wait()
}
