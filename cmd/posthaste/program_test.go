package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

const (
	testKey    = "an-api-key-for-the-tests"
	startLimit = time.Minute
)

// program is posthaste running in a process of its own.
type program struct {
	t       *testing.T
	command *exec.Cmd
	output  *buffer
	ended   chan struct{}
	err     error // how it ended; read it after ended is closed
	key     string
}

// buffer collects output of a running process.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start starts the program with the arguments and, besides them, only the given environment.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, output: &buffer{}, ended: make(chan struct{})}
	p.command = exec.Command(os.Args[0], args...)
	p.command.Env = append([]string{asProgram + "=1", "HOME=" + t.TempDir()}, env...)
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.SysProcAttr = diesWithUs()
	require.NoError(t, p.command.Start())
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of posthaste %s:\n%s", strings.Join(args, " "), p.output)
		}
	})
	return p
}

// startDev starts dev on free ports.
func startDev(t *testing.T, folder string, args ...string) *program {
	t.Helper()
	p := start(t, nil, append([]string{
		"dev", "--data", folder, "--listen", "127.0.0.1:0", "--ui-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0",
	}, args...)...)
	p.find(`(?:API +|"api":")(http://[^\s"]+)`)
	return p
}

// find waits until the output has a match and returns its first group.
func (p *program) find(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var match []string
	require.Eventually(p.t, func() bool {
		match = re.FindStringSubmatch(p.output.String())
		return match != nil || p.hasEnded()
	}, startLimit, 20*time.Millisecond, "no %s in the output", pattern)
	require.NotNil(p.t, match, "the program ended without printing %s", pattern)
	return match[len(match)-1]
}

func (p *program) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill is kill -9: no part of the program gets to tidy up.
func (p *program) kill() {
	_ = p.command.Process.Kill() // fails when it has ended already
	<-p.ended
}

// interrupt is Ctrl-C. It returns the exit code.
func (p *program) interrupt() int {
	p.t.Helper()
	require.NoError(p.t, p.command.Process.Signal(syscall.SIGINT))
	return p.exitCode()
}

func (p *program) exitCode() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		require.FailNow(p.t, "the program does not end")
	}
	return p.command.ProcessState.ExitCode()
}

// apiURL is where the program said its API is.
func (p *program) apiURL() string { return p.find(`(?:API +|\bapi=|"api":")(http://[^\s"]+)`) }

// call makes an API call and requires its status.
func (p *program) call(status int, method, path string, in, out any) {
	p.t.Helper()
	got, text := p.ask(method, path, in)
	require.Equal(p.t, status, got, "%s %s: %s", method, path, text)
	if out != nil {
		require.NoError(p.t, json.Unmarshal(text, out))
	}
}

// ask makes an API call and returns what came back.
func (p *program) ask(method, path string, in any) (status int, text []byte) {
	p.t.Helper()
	var body []byte
	if in != nil {
		var err error
		body, err = json.Marshal(in)
		require.NoError(p.t, err)
	}
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.apiURL()+path, bytes.NewReader(body))
	require.NoError(p.t, err)
	request.Header.Set("Content-Type", "application/json")
	if p.key != "" {
		request.Header.Set("Authorization", "Bearer "+p.key)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return response.StatusCode, text
}

type object = map[string]any

// subscribe registers a receiver for all events and returns its id and secret.
func (p *program) subscribe(url string, more object) (id, secret string) {
	p.t.Helper()
	in := object{"url": url, "event_types": []string{"*"}}
	maps.Copy(in, more)
	var out struct{ ID, Secret string }
	p.call(http.StatusCreated, http.MethodPost, "/v1/subscriptions", in, &out)
	return out.ID, out.Secret
}

// publish sends an event and returns its id.
func (p *program) publish(data any) string {
	p.t.Helper()
	var out struct{ ID string }
	p.call(http.StatusAccepted, http.MethodPost, "/v1/events", object{"type": "order.paid", "data": data}, &out)
	return out.ID
}

type deliveryView struct {
	ID       string
	Status   string
	Attempts int
}

func (p *program) deliveries(query string) []deliveryView {
	p.t.Helper()
	var page struct{ Data []deliveryView }
	p.call(http.StatusOK, http.MethodGet, "/v1/deliveries?"+query, nil, &page)
	return page.Data
}

type attemptView struct {
	Number    int
	StartedAt time.Time `json:"started_at"`
	Response  struct{ Status int }
}

func (p *program) attempts(deliveryID string) []attemptView {
	p.t.Helper()
	var page struct{ Data []attemptView }
	p.call(http.StatusOK, http.MethodGet, "/v1/deliveries/"+deliveryID+"/attempts", nil, &page)
	return page.Data
}

// freeAddress is an address that nobody listens on, and that nobody gets who asks for any free port, or for none: the
// kernel gives those from 32768 on.
func freeAddress(t *testing.T) (address string) {
	t.Helper()
	require.Eventually(t, func() bool {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err != nil {
			return false // that one is taken
		}
		address = listener.Addr().String()
		return listener.Close() == nil
	}, startLimit, time.Millisecond)
	return address
}

// runHere runs a command line in this process and returns what it printed and its exit code.
func runHere(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	var b buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code = run(ctx, args, terminal.Streams{Out: &b, Err: &b})
	return b.String(), code
}

// lines splits output.
func lines(output string) []string {
	var all []string
	for scanner := bufio.NewScanner(strings.NewReader(output)); scanner.Scan(); {
		all = append(all, scanner.Text())
	}
	return all
}
