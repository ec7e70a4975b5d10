package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/posthaste/posthaste/workflows"
)

// TestReplay replays recorded histories with today's code. A failure means that workflows which run right now would get
// stuck after an upgrade: take the change back, or put it behind workflow.GetVersion. Never record a history anew to
// make this pass; record only for a scenario that is new, with code that is released.
func TestReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob(filepath.Join("testdata", "replay", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, histories, "without histories this test proves nothing")
	for _, history := range histories {
		t.Run(filepath.Base(history), func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(sdklog.NewStructuredLogger(quiet), history))
		})
	}
}
