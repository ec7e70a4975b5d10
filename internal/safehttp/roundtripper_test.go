package safehttp_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is fetched besides deliveries goes past the same guard.
func TestRoundTripperIsGuarded(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	_, err = strictClient(t).RoundTripper().RoundTrip(request)
	require.ErrorContains(t, err, "belongs to the machine that sends")

	response, err := newClient(t).RoundTripper().RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusTeapot, response.StatusCode)
}
