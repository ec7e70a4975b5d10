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
	"strings"
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
			url, said := start(t, secret, append(command(t), "0"))

			good := delivery{profile: webhook.Standard, body: fmt.Sprintf(event, 42), at: time.Now(), secrets: []webhook.Secret{secret}}
			require.Equal(t, http.StatusNoContent, deliver(t, good, url), "a signed body")
			rotating := good
			rotating.secrets = []webhook.Secret{webhook.NewSecret(), secret}
			require.Equal(t, http.StatusNoContent, deliver(t, rotating, url), "two signatures")

			for what, refused := range refusals(good) {
				require.Equal(t, http.StatusUnauthorized, deliver(t, refused.delivery, url), what)
				said.next(t, "refused: ", refused.because)
			}
		})

		for what, bad := range map[string]string{"none": "", "one that is none": "hunter2", "one that is too short": "whsec_aGk="} {
			t.Run(name+" says in one line that it has no secret: "+what, func(t *testing.T) {
				t.Parallel()
				args := append(command(t), "0")
				cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
				cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+bad)
				out, err := cmd.CombinedOutput()
				require.Error(t, err)
				require.Contains(t, string(out), "WEBHOOK_SECRET")
				require.Equal(t, 1, strings.Count(string(out), "\n"), string(out))
				require.NotContains(t, string(out), "hunter2")
			})
		}
	}
}

// refused is a delivery with what its receiver says of it.
type refused struct {
	delivery
	because string
}

// refusals are deliveries like the good one that no receiver may accept.
func refusals(good delivery) map[string]refused {
	forged, strange, old, future := good, good, good, good
	forged.forged = fmt.Sprintf(event, 43)
	strange.secrets = []webhook.Secret{webhook.NewSecret()}
	old.at = time.Now().Add(-6 * time.Minute)
	future.at = time.Now().Add(6 * time.Minute)
	return map[string]refused{
		"a forged body": {forged, "WEBHOOK_SECRET is not this subscription's"}, "another secret": {strange, "WEBHOOK_SECRET is not this subscription's"},
		"an old request": {old, "stale"}, "a request from the future": {future, "stale"},
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
// says in its first line, and what it says after that.
func start(t *testing.T, secret webhook.Secret, command []string) (string, words) {
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
	heard := make(words, 100)
	go func() { // a receiver that cannot write would stop
		for lines.Scan() {
			heard <- lines.Text()
		}
	}()
	return url, heard
}

// words are the lines that a receiver says.
type words chan string

// next waits for the line that has the first word in it, which must have the others, too.
func (w words) next(t *testing.T, first string, others ...string) {
	t.Helper()
	for {
		select {
		case line := <-w:
			if !strings.Contains(line, first) {
				continue
			}
			for _, word := range others {
				require.Contains(t, line, word)
			}
			return
		case <-time.After(time.Minute):
			require.FailNow(t, "it did not say "+first)
		}
	}
}
