//go:build !race

// The race detector takes several times the memory that it watches.

package api_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/pgtest"
)

// TestMemoryFollowsWhatIsInFlight sends crowds of large bodies to a process of its own and watches what it takes from the
// machine: never more than twice of what is under way, whatever becomes of the bodies.
func TestMemoryFollowsWhatIsInFlight(t *testing.T) {
	for name, crowd := range crowds() {
		t.Run(name, func(t *testing.T) {
			ratio := crowd.measure(t)
			if ratio > 2 { // the median of three: a busy machine may let the collector of garbage wait for once, not twice
				ratio = max(crowd.measure(t), crowd.measure(t))
			}
			require.LessOrEqual(t, ratio, 2.0)
		})
	}
}

// measure has the crowd rush a fresh process, and returns the growth of its memory by what was in flight at most.
func (c crowd) measure(t *testing.T) (ratio float64) {
	t.Helper()
	p := startAPI(t)
	request := c.request(t, p)
	p.rush(t, c.callers, 500*time.Millisecond, func() *http.Request { // so that the connections of many callers are there
		return p.post("/v1/events", []byte(`{"type":"a","data":1}`))
	})
	p.send(request())
	base := p.memory(t)
	got := p.rush(t, c.callers, 2*time.Second, request)
	grown := got.memory - base
	ratio = float64(grown) / float64(got.inFlight)
	t.Logf("%s: in flight %d MiB, growth %d MiB, ratio %.2f, answers %v", t.Name(), got.inFlight>>20, grown>>20, ratio, got.answers)
	require.NotZero(t, got.answers[c.want])
	return ratio
}

type crowd struct {
	callers int
	want    int // an answer that there must be
	request func(t *testing.T, p *process) func() *http.Request
}

func crowds() map[string]crowd {
	text := strings.Repeat("x", mega-200)
	post := func(path, body string) func(*testing.T, *process) func() *http.Request {
		return func(_ *testing.T, p *process) func() *http.Request {
			return func() *http.Request { return p.post(path, []byte(body)) }
		}
	}
	event := `{"type":"order.paid","data":"` + text + `"}`
	items := func(item string, count int) string {
		return `{"events":[` + strings.Repeat(item+",", count-1) + item + `]}`
	}
	small := `{"type":"order.paid","data":"` + strings.Repeat("x", 1000) + `"}`
	return map[string]crowd{
		"publish":              {40, 202, post("/v1/events", event)},
		"publish, refused":     {40, 400, post("/v1/events", `{"type":"","data":"`+text+`"}`)},
		"publish, not JSON":    {40, 400, post("/v1/events", event[1:])},
		"publish, many values": {40, 400, post("/v1/events", `{"type":"a","metadata":{`+strings.Repeat(`"a":"b",`, mega/8-100)+`"a":"b"}}`)},
		"publish, too many":    {128, 429, post("/v1/events", event)},
		"publish, of unknown length": {40, 202, func(_ *testing.T, p *process) func() *http.Request {
			return func() *http.Request {
				r := p.post("/v1/events", []byte(event))
				r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(event))
				return r
			}
		}},
		"batch":                      {40, 202, post("/v1/events/batch", items(small, 960))},
		"batch, of large events":     {40, 202, post("/v1/events/batch", items(`{"type":"a","data":"`+strings.Repeat("x", mega/4)+`"}`, 3))},
		"batch, each refused":        {40, 202, post("/v1/events/batch", items(`{"type":"","data":"`+strings.Repeat("x", 900)+`"}`, 1000))},
		"batch, of what is no event": {40, 400, post("/v1/events/batch", items("1", mega/2-100))},
		"subscription, refused":      {40, 400, post("/v1/subscriptions", `{"url":"https://x.example/","event_types":["*"],"properties":{"a":"`+text+`"}}`)},
		"subscription": {40, 201, post("/v1/subscriptions", `{"url":"https://x.example/","event_types":["never"],"headers":{"X-A":"`+
			strings.Repeat("x", 4000)+`"},"name":"x"}`+strings.Repeat(" ", mega-5000))},
		"subscription, many values": {40, 400, post("/v1/subscriptions", `{"url":"https://x.example/","event_types":[`+strings.Repeat(`"*",`, mega/4-100)+`"*"]}`)},
		"source, signed":            {25, 200, ofGitHub([]byte(`{"action":"`+text+`"}`), true, "application/json")},
		"source, not signed":        {25, 401, ofGitHub([]byte(`{"action":"`+text+`"}`), false, "application/json")},
		"source, many values":       {25, 200, ofGitHub([]byte(`{"action":[`+strings.Repeat("1,", mega/2-100)+`1]}`), true, "application/json")},
		"source, many at once":      {96, 401, ofGitHub([]byte(`{"action":"`+text+`"}`), false, "application/json")},
	}
}

// ofGitHub makes a source of GitHub's, and requests to it.
func ofGitHub(body []byte, sign bool, mediaType string) func(t *testing.T, p *process) func() *http.Request {
	return func(t *testing.T, p *process) func() *http.Request {
		t.Helper()
		var source struct{ ID string }
		answer := p.send(p.post("/v1/sources", []byte(`{"name":"x","provider":"github","credentials":[{"secret":"It's a Secret to Everybody"}]}`)))
		require.NoError(t, json.Unmarshal(answer, &source), "%s", answer)
		require.NotEmpty(t, source.ID, "%s", answer)
		signature := strings.Repeat("0", 64)
		if sign {
			mac := hmac.New(sha256.New, []byte("It's a Secret to Everybody"))
			mac.Write(body)
			signature = hex.EncodeToString(mac.Sum(nil))
		}
		var n atomic.Int64
		return func() *http.Request {
			r := p.post("/in/"+source.ID, body)
			r.Header.Del("Authorization")
			r.Header.Set("Content-Type", mediaType)
			r.Header.Set("X-GitHub-Event", "push")
			r.Header.Set("X-GitHub-Delivery", strconv.FormatInt(n.Add(1), 10))
			r.Header.Set("X-Hub-Signature-256", "sha256="+signature)
			return r
		}
	}
}

// process is the API in a process of its own.
type process struct {
	url string
	pid int
}

func startAPI(t *testing.T) *process {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = []string{asServer + "=" + pgtest.URL(t)}
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	in, err := command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() { require.NoError(t, in.Close()); require.NoError(t, command.Wait()) })
	line := make([]byte, 100)
	n, err := out.Read(line)
	require.NoError(t, err)
	return &process{url: strings.TrimSpace(string(line[:n])), pid: command.Process.Pid}
}

func (p *process) post(path string, body []byte) *http.Request {
	request, err := http.NewRequest(http.MethodPost, p.url+path, bytes.NewReader(body)) //nolint:noctx // it is bounded by the client
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	return request
}

// send sends a request on a connection of its own and returns the answer.
func (p *process) send(request *http.Request) []byte {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return body
}

// memory is the part of the process that is in the machine's memory, in bytes.
func (p *process) memory(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// outcome is the most of each that a rush came to, and how often each status was answered; 0 is no answer.
type outcome struct {
	inFlight, memory int64
	answers          map[int]int
}

// rush has so many callers send requests for a while.
func (p *process) rush(t *testing.T, callers int, length time.Duration, request func() *http.Request) outcome {
	t.Helper()
	got := outcome{answers: map[int]int{}}
	var inFlight atomic.Int64
	var mu sync.Mutex
	var group sync.WaitGroup
	end := time.Now().Add(length)
	for range callers {
		group.Go(func() {
			client := http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
			defer client.CloseIdleConnections()
			for time.Now().Before(end) {
				r := request()
				size := max(r.ContentLength, 0)
				if size == 0 {
					size = mega
				}
				inFlight.Add(size)
				response, err := client.Do(r)
				status := 0
				if err == nil {
					status = response.StatusCode
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
				inFlight.Add(-size)
				mu.Lock()
				got.answers[status]++
				mu.Unlock()
				if status == http.StatusTooManyRequests || status == 0 {
					<-time.After(20 * time.Millisecond)
				}
			}
		})
	}
	sample := time.NewTicker(5 * time.Millisecond)
	defer sample.Stop()
	for time.Now().Before(end) {
		got.inFlight, got.memory = max(got.inFlight, inFlight.Load()), max(got.memory, p.memory(t))
		<-sample.C
	}
	group.Wait()
	return got
}
