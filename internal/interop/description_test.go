package interop

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const description = "../../docs/openapi.json"

// The description of the API passes the recommended rules of a linter, its examples among them.
func TestDescriptionLint(t *testing.T) {
	t.Parallel()
	_, err := os.Stat(description) // a cached result ends when the file changes
	require.NoError(t, err)
	lint := exec.CommandContext(t.Context(), "node_modules/.bin/redocly", "lint", "--extends", "recommended", "--max-problems", "20",
		description)
	lint.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	report, err := lint.CombinedOutput()
	require.NoError(t, err, "run npm ci in internal/interop, if it is not there: %s", report)
	require.NotRegexp(t, `\d+ warning`, string(report))
}
