package publictest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Neither module can import a package of the other one, so each has the assertions of its tests; a change of one copy
// that is forgotten in the other one fails here.
func TestModulesShareTheirAssertions(t *testing.T) {
	t.Parallel()

	for _, file := range []string{"require.go", "require_test.go"} {
		ofClient, err := os.ReadFile("../../client/internal/require/" + file)
		require.NoError(t, err)
		ofWebhook, err := os.ReadFile("../../webhook/internal/require/" + file)
		require.NoError(t, err)
		require.Equal(t, string(ofClient), string(ofWebhook), file)
	}
}
