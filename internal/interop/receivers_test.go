package interop

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook"
)

const samples = "../../docs/receivers"

// The receivers in docs/receivers run as their readers will run them. Where an
// interpreter is missing the test is skipped, which scripts/test takes for a
// failure in CI.
func TestSampleReceivers(t *testing.T) {
	t.Parallel()

	receivers := map[string]func(*testing.T) []string{
		"go":     compiled,
		"python": func(t *testing.T) []string { return interpreted(t, "python3", "python/receiver.py") },
		"node":   func(t *testing.T) []string { return interpreted(t, "node", "node/receiver.mjs") },
	}
	for name, command := range receivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := webhook.NewSecret()
			url := start(t, secret, append(command(t), "0"))

			good := delivery{profile: webhook.Standard, body: fmt.Sprintf(event, 42), at: time.Now(), secrets: []webhook.Secret{secret}}
			require.Equal(t, http.StatusNoContent, deliver(t, good, url), "a signed body")
			rotating := good
			rotating.secrets = []webhook.Secret{webhook.NewSecret(), secret}
			require.Equal(t, http.StatusNoContent, deliver(t, rotating, url), "two signatures")

			for what, refused := range refusals(good) {
				require.Equal(t, http.StatusUnauthorized, deliver(t, refused, url), what)
			}
		})
	}
}

// refusals are deliveries like the good one that no receiver may accept.
func refusals(good delivery) map[string]delivery {
	forged, strange, old, future := good, good, good, good
	forged.forged = fmt.Sprintf(event, 43)
	strange.secrets = []webhook.Secret{webhook.NewSecret()}
	old.at = time.Now().Add(-6 * time.Minute)
	future.at = time.Now().Add(6 * time.Minute)
	return map[string]delivery{
		"a forged body": forged, "another secret": strange, "an old request": old, "a request from the future": future,
	}
}

func compiled(t *testing.T) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "receiver")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./docs/receivers/go")
	build.Dir = "../.."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return []string{program}
}

func interpreted(t *testing.T, interpreter, script string) []string {
	t.Helper()
	program, err := exec.LookPath(interpreter)
	if err != nil {
		t.Skipf("%s is not installed", interpreter)
	}
	return []string{program, filepath.Join(samples, script)}
}

// start runs a receiver until the test ends and gives its address, which it
// says in its first line.
func start(t *testing.T, secret webhook.Secret, command []string) string {
	t.Helper()
	said, saying := io.Pipe()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret.Reveal())
	cmd.Stdout, cmd.Stderr = saying, saying
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { // the context has ended it
		_ = said.Close()
		_ = cmd.Wait()
	})

	ended := time.AfterFunc(time.Minute, func() { _ = saying.Close() })
	defer ended.Stop()
	lines := bufio.NewScanner(said)
	require.True(t, lines.Scan(), "it said nothing")
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text())
	require.NotEmpty(t, url, lines.Text())
	go func() { // a receiver that cannot write would stop
		_, _ = io.Copy(io.Discard, said)
	}()
	return url
}
