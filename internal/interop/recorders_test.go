package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seen is a request as some server hands it to a receiver.
type seen struct {
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"` // of repeated ones, what the server makes of them
	Names   []string          `json:"names"`   // as they came; none where the server does not tell
	Body    []byte            `json:"body"`
}

// request is what the receiver would verify.
func (s seen) request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(s.Body))
	require.NoError(t, err)
	for name, value := range s.Headers {
		r.Header.Set(name, value)
	}
	return r
}

// recorder is a server that answers 204 to everything and hands over what it
// saw, by path.
type recorder struct {
	url string

	mu    sync.Mutex
	paths map[string]chan seen
}

// at gives what comes to a path.
func (r *recorder) at(path string) chan seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paths == nil {
		r.paths = map[string]chan seen{}
	}
	if r.paths[path] == nil {
		r.paths[path] = make(chan seen, 100)
	}
	return r.paths[path]
}

// recorders are servers of several languages. In each, repeated headers become
// one in its own way.
var recorders = map[string]func(*testing.T) *recorder{
	"go":   goRecorder,
	"wsgi": func(t *testing.T) *recorder { return scripted(t, "python3", script("recorder.py")) },
	"node": func(t *testing.T) *recorder { return scripted(t, "node", script("recorder.mjs")) },
	"ruby": func(t *testing.T) *recorder { return scripted(t, "ruby", script("recorder.rb")) },
	"php":  phpRecorder,
}

func script(name string) string { return filepath.Join("testdata", name) }

func goRecorder(t *testing.T) *recorder {
	t.Helper()
	rec := &recorder{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		headers := map[string]string{}
		for name, values := range r.Header {
			headers[name] = strings.Join(values, ", ")
		}
		rec.at(r.URL.Path) <- seen{Path: r.URL.Path, Headers: headers, Body: body}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	rec.url = server.URL
	return rec
}

// phpRecorder needs a port of its own: PHP's server does not say which one it took.
func phpRecorder(t *testing.T) *recorder {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.Listener.Addr().String()
	server.Close()
	rec := scripted(t, "php", "-d", "display_errors=0", "-S", address, script("recorder.php"))
	rec.url = "http://" + address
	return rec
}

// scripted runs a server until the test ends. It says where it listens, and
// then what it sees, in a line of JSON each.
func scripted(t *testing.T, interpreter string, args ...string) *recorder {
	t.Helper()
	path, err := exec.LookPath(interpreter)
	if err != nil {
		t.Skipf("%s is not installed", interpreter)
	}
	said, saying := io.Pipe()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = saying, saying
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { // the context has ended it
		_ = said.Close()
		_ = cmd.Wait()
	})
	rec, listening := &recorder{}, make(chan string, 1)
	go rec.read(said, listening)
	select {
	case rec.url = <-listening:
	case <-time.After(time.Minute):
		require.FailNow(t, "it does not listen")
	}
	return rec
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func (r *recorder) read(said io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s seen
		if json.Unmarshal(lines.Bytes(), &s) == nil && s.Path != "" {
			r.at(s.Path) <- s
		} else if url := address.FindString(lines.Text()); url != "" {
			select {
			case listening <- url:
			default:
			}
		}
	}
}

// spelled checks that a receiver which compares names by their letters finds them.
func (s seen) spelled(t *testing.T, names ...string) {
	t.Helper()
	if s.Names == nil {
		return
	}
	for _, name := range names {
		require.Contains(t, s.Names, name, slices.Sorted(maps.Keys(s.Headers)))
	}
}
