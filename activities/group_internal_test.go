package activities

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMoreRequestsWhileNoneEnds has a receiver that does not answer at once.
func TestMoreRequestsWhileNoneEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &groupAttempts{free: make(chan struct{}, groupRequests)}
		g.allow(fewRequests)
		began := time.Now()
		for i := range groupRequests {
			g.acquire()
			require.Equal(t, time.Duration(i/fewRequests)*requestPace, time.Since(began))
		}
		go func() {
			<-time.After(time.Second)
			g.free <- struct{}{}
		}()
		g.acquire()
		require.Equal(t, time.Second, time.Since(began).Truncate(100*time.Millisecond), "and no more than the bound")
	})
}
