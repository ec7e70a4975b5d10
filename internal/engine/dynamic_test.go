package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// TestTuning starts a workflow whose id only Temporal's own limit lets pass.
func TestTuning(t *testing.T) {
	t.Parallel()

	startLong := func(t *testing.T, untuned bool) error {
		t.Helper()
		o := options(SQLite(t.TempDir()), &logBook{})
		o.Untuned = untuned
		_, err := dial(t, start(t, o)).ExecuteWorkflow(t.Context(),
			client.StartWorkflowOptions{ID: strings.Repeat("x", 300), TaskQueue: taskQueue}, greet, "you")
		return err
	}

	t.Run("ours holds", func(t *testing.T) {
		t.Parallel()
		var refused *serviceerror.InvalidArgument
		require.ErrorAs(t, startLong(t, false), &refused)
	})

	t.Run("Temporal's holds without", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, startLong(t, true))
	})
}
