package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
)

// An event that a batch refuses has a code and no status of its own: package client gives it the status that the code
// has here.
func TestClientKnowsTheStatusOfEachCode(t *testing.T) {
	t.Parallel()

	for code, status := range statuses {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, fmt.Sprintf(`{"results":[{"error":{"code":%q}}]}`, code))
			}))
			defer server.Close()
			c, err := client.New(server.URL, "")
			require.NoError(t, err)
			results, err := c.PublishBatch(t.Context(), []client.Event{{Type: "order.paid"}})
			require.NoError(t, err)
			failed, ok := errors.AsType[*client.Error](results[0].Err)
			require.True(t, ok)
			require.Equal(t, status, failed.Status)
		})
	}
}
