package workflows_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/workflows"
)

func TestFairnessKeyIsTheTenantWithinTemporalsLimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 63)
	require.Equal(t, "shop", fairnessKey("shop"))
	require.Equal(t, long+"y", fairnessKey(long+"y"))

	cut, other := fairnessKey(long+"yy"), fairnessKey(long+"yz")
	require.Len(t, cut, 64)
	require.Len(t, other, 64)
	require.NotEqual(t, cut, other, "the whole name counts, not its beginning")
	require.Equal(t, cut, fairnessKey(long+"yy"), "the same in every process")
	require.True(t, strings.HasPrefix(cut, long[:30]), cut)
	require.Len(t, fairnessKey(strings.Repeat("x", 128)), 64)

	delivery := workflows.DeliveryOptions(workflows.DeliverToSubscriberInput{Tenant: long + "yy"}, "q")
	require.Equal(t, cut, delivery.Priority.FairnessKey, "a delivery's own start has that of its event")
}

func fairnessKey(tenant string) string {
	return workflows.EventOptions(workflows.DeliverEventInput{Tenant: tenant}, "q").Priority.FairnessKey
}
