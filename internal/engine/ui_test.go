package engine

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

func TestUI(t *testing.T) { //nolint:tparallel // its parts share one engine, which ends with them
	t.Parallel()
	log := &logBook{}
	o := options(SQLite(t.TempDir()), log)
	o.UIListen = anyPort
	o.UIColumns = []string{"Status", "EventType</script>"}
	e := start(t, o)
	base := e.UIURL()

	t.Run("serves the pages and what they load", func(t *testing.T) {
		status, header, body := get(t, base+"/")
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, header.Get("Content-Type"), "text/html")
		require.Contains(t, body, "/_app/")
		status, _, _ = get(t, base+"/namespaces/"+namespace+"/workflows")
		require.Equal(t, http.StatusOK, status, "the pages find their way by path")
		status, _, _ = get(t, base+asset(t, body))
		require.Equal(t, http.StatusOK, status)
		status, _, _ = get(t, base+"/healthz")
		require.Equal(t, http.StatusOK, status)
	})

	t.Run("starts the list with our columns, under its own content security policy", func(t *testing.T) {
		_, _, body := get(t, base+"/")
		_, rest, found := strings.Cut(body, "<script>(() =>")
		require.True(t, found)
		script, _, found := strings.Cut(rest, "</script>")
		require.True(t, found)
		script = "(() =>" + script
		require.Contains(t, script, `{"posthaste":[{"label":"Status"},{"label":"EventType`)
		require.Contains(t, body, "script-src 'strict-dynamic' "+scriptHash(script)+" 'sha256-")
		require.Contains(t, readBundle(t), columnsInUI, "the UI keeps its columns under another name now")
	})

	t.Run("answers only requests that name this machine", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/", nil)
		require.NoError(t, err)
		request.Host = "evil.example"
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusMisdirectedRequest, response.StatusCode)
	})

	t.Run("has our settings", func(t *testing.T) {
		_, _, body := get(t, base+"/api/v1/settings")
		var settings map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &settings))
		require.Equal(t, namespace, settings["DefaultNamespace"])
		require.Equal(t, true, settings["DisableNewsFetch"])
		require.Equal(t, false, settings["DisableWriteActions"])
	})

	t.Run("answers for the server", func(t *testing.T) {
		status, _, body := get(t, base+"/api/v1/namespaces/"+namespace)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, `"name": "posthaste"`)
		status, _, _ = get(t, base+"/api/v1/namespaces/nobody")
		require.Equal(t, http.StatusNotFound, status)
	})

	t.Run("lets its buttons work over plain HTTP, and nobody else's", func(t *testing.T) {
		c := dial(t, e)
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "button", TaskQueue: taskQueue}, greet, "you")
		require.NoError(t, err)
		cancel := base + "/api/v1/namespaces/" + namespace + "/workflows/button/cancel"

		browser := &http.Client{Jar: newJar(t), Timeout: patience}
		_, err = browser.Get(base + "/")
		require.NoError(t, err)
		require.Equal(t, http.StatusForbidden, post(t, browser, cancel, "made up"))
		require.Equal(t, http.StatusOK, post(t, browser, cancel, csrfToken(t, browser, base)))
		require.Eventually(t, func() bool {
			d, err := c.WorkflowService().GetWorkflowExecutionHistory(t.Context(),
				&workflowservice.GetWorkflowExecutionHistoryRequest{
					Namespace: namespace, Execution: &common.WorkflowExecution{WorkflowId: "button"},
				})
			return err == nil && strings.Contains(d.String(), "CANCEL_REQUESTED")
		}, patience, 20*time.Millisecond)
	})

	stop(t, e)
	_, err := http.Get(base)
	require.Error(t, err, "it is gone after Stop")
	require.Empty(t, log.String())
}

func get(t *testing.T, address string) (int, http.Header, string) {
	t.Helper()
	response, err := (&http.Client{Timeout: patience}).Get(address)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(body)
}

// asset finds the first file that a page loads.
func asset(t *testing.T, page string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, `"/_app/`)
	require.True(t, found)
	path, _, found := strings.Cut(rest, `"`)
	require.True(t, found)
	return "/_app/" + path
}

// post does what the page does for a button.
func post(t *testing.T, browser *http.Client, address, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("{}"))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Csrf-Token", token)
	response, err := browser.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

func csrfToken(t *testing.T, browser *http.Client, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	for _, cookie := range browser.Jar.Cookies(u) {
		if cookie.Name == "_csrf" {
			return cookie.Value
		}
	}
	require.Fail(t, "the page has set no CSRF cookie")
	return ""
}

func newJar(t *testing.T) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return jar
}

// readBundle is all the UI's own script.
func readBundle(t *testing.T) string {
	t.Helper()
	assets, err := uiAssets(Options{})
	require.NoError(t, err)
	var bundle strings.Builder
	require.NoError(t, fs.WalkDir(assets, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".js") {
			return err
		}
		text, err := fs.ReadFile(assets, path)
		bundle.Write(text)
		return err
	}))
	return bundle.String()
}
