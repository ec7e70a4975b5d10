package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const programLimit = 2 * time.Minute

// program is posthaste dev in a process of its own.
type program struct {
	api    string
	output output
}

// output collects what a running process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startProgram builds posthaste and starts it on free ports, with further variables of its environment.
func startProgram(t *testing.T, variables ...string) *program {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "posthaste")
	build := exec.Command("go", "build", "-o", binary, "./cmd/posthaste")
	build.Dir = filepath.Join("..", "..")
	built, err := build.CombinedOutput()
	require.NoError(t, err, "%s", built)

	p := &program{}
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, binary, "dev", "--data", filepath.Join(folder, "data"),
		"--listen", "127.0.0.1:0", "--ui-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0")
	command.Env = append([]string{"HOME=" + folder, "PATH=" + os.Getenv("PATH")}, variables...)
	command.Stdout, command.Stderr = &p.output, &p.output
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGINT) }
	command.WaitDelay = programLimit
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		stop()
		_ = command.Wait() // its exit code is the business of its own tests
		if t.Failed() {
			t.Log(p.output.String())
		}
	})
	address := regexp.MustCompile(`API +(http://\S+)`)
	require.Eventually(t, func() bool { return address.MatchString(p.output.String()) }, programLimit, 20*time.Millisecond)
	p.api = address.FindStringSubmatch(p.output.String())[1]
	return p
}

// call makes an API call that must succeed.
func (p *program) call(t *testing.T, method, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), method, p.api+path, bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 2, resp.StatusCode/100, "%s", text)
	require.NoError(t, json.Unmarshal(text, out))
}
