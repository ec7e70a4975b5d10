package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// clients is the folder of the clients in other languages than Go.
const clients = "../../clients"

// The clients in other languages work with the whole program: they publish, operate, and verify what it sends.
func TestClients(t *testing.T) {
	t.Parallel()
	const key = "the-key-of-the-clients"
	server := startProgram(t, "POSTHASTE_API_KEY="+key)
	environment := append(os.Environ(), "POSTHASTE_URL="+server.api, "POSTHASTE_API_KEY="+key)

	t.Run("python", func(t *testing.T) {
		t.Parallel()
		out := runClient(t, environment, "python", "python3", "-W", "error", "-m", "unittest", "discover", "-v", "-s", "live")
		require.Regexp(t, `Ran [1-9]\d* tests`, out)
		require.Regexp(t, `\nOK\n$`, out, "nothing is skipped")
	})
	t.Run("typescript", func(t *testing.T) {
		t.Parallel()
		if _, err := os.Stat(filepath.Join(clients, "typescript/build/live")); err != nil {
			t.Skip(`it is not built; run "make clients"`)
		}
		out := runClient(t, environment, "typescript", "npm", "run", "live")
		require.Regexp(t, `(?m)^\W+pass [1-9]`, out)
		require.Regexp(t, `(?m)^\W+skipped 0$`, out)
	})
}

// runClient runs a command in the folder of a client, and gives what it prints.
func runClient(t *testing.T, environment []string, language, name string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	command := exec.CommandContext(t.Context(), program, args...)
	command.Dir = filepath.Join(clients, language)
	command.Env = slices.Concat(environment, []string{"PYTHONPATH=src", "PYTHONDONTWRITEBYTECODE=1"})
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// The Python client is typed, for its users and in itself: a type checker finds nothing.
func TestThePythonClientIsTyped(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("node_modules/pyright"); err != nil {
		t.Skip(`the type checker is not installed; run "npm ci" in internal/interop`)
	}
	checker, err := filepath.Abs("node_modules/pyright/index.js")
	require.NoError(t, err)
	require.Contains(t, runClient(t, os.Environ(), "python", "node", checker), "0 errors, 0 warnings")
}

// Every client has the version of the Go client that is released with it.
func TestClientsHaveOneVersion(t *testing.T) {
	t.Parallel()
	version := only(t, filepath.Join(repository, "go.mod"), `github\.com/posthaste/posthaste/client v(\S+)`)
	for file, pattern := range map[string]string{
		"typescript/package.json":                 `"version": "(.*?)"`,
		"typescript/package-lock.json":            `"version": "(.*?)"`,
		"python/pyproject.toml":                   `(?m)^version = "(.*?)"`,
		"python/src/posthaste_client/__init__.py": `__version__ = "(.*?)"`,
		"python/README.md":                        `posthaste/posthaste@v(.*?)#`,
	} {
		require.Equal(t, version, only(t, filepath.Join(clients, file), pattern), file)
	}
}

// only gives what the pattern's group matches in the file, for the first time.
func only(t *testing.T, file, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(read(t, file))
	require.NotNil(t, found, "%s has no %s", file, pattern)
	return found[1]
}
