package publictest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// TestOpenIsTheServersOpen compares client.Delivery.Open with the server's rule, for each status.
func TestOpenIsTheServersOpen(t *testing.T) {
	t.Parallel()
	for _, status := range models.DeliveryStatuses() {
		require.Equal(t, !status.Closed(), client.Delivery{Status: client.DeliveryStatus(status)}.Open(), status)
	}
}
