package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

// newSource makes a source on the command line and returns its path.
func (p *program) newSource(provider, secret string) (path string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "secret")
	require.NoError(p.t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	output, code := runHere(p.t, "sources", "create", provider, "--credential", "@"+file, "--url", p.apiURL(), "--api-key", p.key, "-o", "json")
	require.Zero(p.t, code, output)
	require.NotContains(p.t, output, secret)
	var out struct{ URL string }
	require.NoError(p.t, json.Unmarshal([]byte(output), &out))
	return out.URL
}

// post sends a webhook as another system does, without a key of ours, and returns the status. Headers come in pairs.
func (p *program) post(path, body string, headers ...string) int {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.apiURL()+path, strings.NewReader(body))
	require.NoError(p.t, err)
	request.Host = "hooks.example" // as a tunnel leaves it
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	require.NoError(p.t, response.Body.Close())
	return response.StatusCode
}

// push posts what GitHub does.
func (p *program) push(path, secret, delivery, body string) int {
	p.t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return p.post(path, body, "Content-Type", "application/json", "X-GitHub-Event", "push", "X-GitHub-Delivery", delivery,
		"X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

func TestPushReachesSubscribersOnceThroughAKill(t *testing.T) {
	t.Parallel()
	const secret, body = "It's a Secret to Everybody", `{"ref": "refs/heads/main"}`
	folder := t.TempDir()
	receiver := newSink(t, 204)
	p := startDev(t, folder)
	_, signing := p.subscribe(receiver.url, object{"event_types": []string{"github.push"}, "payload": "data"})
	receiver.trust(signing)
	path := p.newSource("github", secret)
	require.Equal(t, http.StatusUnauthorized, p.push(path, "another", "0", body))
	require.Equal(t, http.StatusOK, p.push(path, secret, "1", body))
	p.kill() // right after the answer

	p = startDev(t, folder)
	require.Eventually(t, func() bool { return receiver.events() == 1 }, 2*deliveryLimit, 50*time.Millisecond)
	require.Equal(t, http.StatusOK, p.push(path, secret, "1", body), "GitHub is told again that it arrived")
	require.Equal(t, http.StatusOK, p.push(path, secret, "1", `{}`))
	require.Equal(t, http.StatusOK, p.push(path, secret, "2", body))
	require.Eventually(t, func() bool { return len(p.deliveries("status=delivered")) == 2 }, 2*deliveryLimit, 50*time.Millisecond)
	require.Len(t, p.deliveries(""), 2, "one for each delivery id")
	require.Equal(t, 2, receiver.events())
	receiver.requireValid(t)

	var events struct {
		Data []struct {
			Type     string
			Metadata map[string]string
		}
	}
	p.call(http.StatusOK, http.MethodGet, "/v1/events", nil, &events)
	require.Len(t, events.Data, 2)
	require.Equal(t, "github.push", events.Data[0].Type)
	require.Equal(t, "2", events.Data[0].Metadata["delivery_id"])
	require.Equal(t, path, "/in/"+events.Data[0].Metadata["source"])
}

func TestProvidersOfARunningServer(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	output, code := runHere(t, "providers", "--url", p.apiURL())
	require.Zero(t, code, output)
	require.Regexp(t, `(?m)^pusher +the secret's text +an id for each +recognised$`, output)
	require.Regexp(t, `(?m)^twilio +the secret's text +--public-url +by an unsigned id$`, output)

	output, code = runHere(t, "sources", "create", "twilio", "--credential", "x", "--url", p.apiURL())
	require.Equal(t, terminal.CodeUsage, code)
	require.Contains(t, output, "public_url")
}
