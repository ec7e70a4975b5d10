package operator

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNeedsNoTemporalServer keeps the package one of those that build and are tested in seconds.
func TestNeedsNoTemporalServer(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	list.Env = append(list.Environ(), "GOPROXY=off")
	packages, err := list.Output()
	require.NoError(t, err)
	require.Contains(t, string(packages), "github.com/posthaste/posthaste/client\n")
	require.NotContains(t, string(packages), "go.temporal.io/server")
}
