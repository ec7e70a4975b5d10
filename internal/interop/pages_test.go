package interop

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook/receivers"
)

var (
	shell  = regexp.MustCompile("(?s)```sh\n(.*?)```")
	preset = regexp.MustCompile(`(?m)^(URL|SECRET|KEY)=.*$`)
)

// What the pages of docs/providers say of curl works, typed as it stands there
// with a URL and a secret of one's own. Pages of those who sign with a key that
// they alone have, or in the body, say nothing.
func TestReceiversPages(t *testing.T) {
	t.Parallel()

	for _, name := range receivers.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("../../docs/providers", name+".md"))
			require.NoError(t, err)
			found := shell.FindAllStringSubmatch(string(text), -1)
			if slices.Contains([]string{"paypal", "paypal-live", "discord", "sendgrid", "sns", "adyen", "mailgun", "dropboxsign"}, name) {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			url, events := pageReceiver(t, name)
			require.Contains(t, run(t, found[0][1], url, pageSecret(name)), fmt.Sprintf("HTTP/1.1 %d ", max(200, receivers.Named(name).Answer.Status)))
			checkType(t, name, (<-events).Type)
			require.Contains(t, run(t, found[0][1], url, strings.Replace(pageSecret(name), "A", "B", 1)), "HTTP/1.1 401")
		})
	}
}

// pageReceiver takes the webhooks of a row.
func pageReceiver(t *testing.T, name string) (string, <-chan receivers.Event) {
	t.Helper()
	events := make(chan receivers.Event, 1)
	server := httptest.NewUnstartedServer(nil)
	receiver, err := receivers.New(receivers.Named(name), []receivers.Credential{receivers.Keyed("a key", pageSecret(name))},
		receivers.WithPublicURL("http://"+server.Listener.Addr().String()))
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/in/", receiver.Handler(func(_ context.Context, e receivers.Event) error {
		events <- e
		return nil
	}))
	server.Config.Handler = mux
	server.Start()
	t.Cleanup(server.Close)
	return server.URL + "/in/" + name, events
}

// pageSecret is of the kind that the row takes, with an A to change.
func pageSecret(name string) string {
	switch name {
	case "standard", "svix", "gitlab":
		return "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	case "basic":
		return "A:secret"
	case "salesforce":
		return "00Dxx000000000A"
	}
	return "A-secret"
}

// run gives what the script prints.
func run(t *testing.T, script, url, secret string) string {
	t.Helper()
	for _, program := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	values := map[string]string{"URL": url, "SECRET": secret, "KEY": "a key"}
	script = preset.ReplaceAllStringFunc(script, func(line string) string {
		name, _, _ := strings.Cut(line, "=")
		return name + "='" + values[name] + "'"
	})
	out, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// checkType knows which rows have a type that the request chooses.
func checkType(t *testing.T, name, got string) {
	t.Helper()
	switch event := receivers.Named(name).Event; {
	case event == "":
		require.Empty(t, got)
	case strings.HasPrefix(string(event), "="):
		require.Equal(t, string(event), "="+got)
	default:
		require.Equal(t, "test", got)
	}
}
