package operator

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

const recorded = "../../workflows/testdata/replay/exhausted.json"

// changed writes a copy of the recorded history that has been changed.
func changed(t *testing.T, change func(history map[string]any) any) string {
	t.Helper()
	text, err := os.ReadFile(recorded)
	require.NoError(t, err)
	var history map[string]any
	require.NoError(t, json.Unmarshal(text, &history))
	text, err = json.Marshal(change(history))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "history.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// otherActivity is what a version would have recorded that calls its activity by another name.
func otherActivity(history map[string]any) any {
	text, _ := json.Marshal(history)
	var other any
	_ = json.Unmarshal([]byte(strings.ReplaceAll(string(text), `"name":"AttemptDelivery"`, `"name":"OtherActivity"`)), &other)
	return other
}

func bareList(history map[string]any) any { return history["events"] }

func noHistory(map[string]any) any { return map[string]any{"hello": 1} }

func TestReplayFiles(t *testing.T) {
	t.Parallel()
	list, broken, none := changed(t, bareList), changed(t, otherActivity), changed(t, noHistory)

	t.Run("histories that fit, of the API and of older Web UIs", func(t *testing.T) {
		t.Parallel()
		output, code := runHere(t, "replay", recorded, list)
		require.Zero(t, code, output)
		require.Equal(t, []string{"ok      " + recorded, "ok      " + list, "2 ok, 0 break, 0 no longer in Temporal"}, lines(output))
	})

	t.Run("one that breaks", func(t *testing.T) {
		t.Parallel()
		output, code := runHere(t, "replay", broken, recorded)
		require.Equal(t, terminal.CodeFailure, code)
		require.Len(t, lines(output), 4)
		require.True(t, strings.HasPrefix(output, "BREAKS  "+broken+": "), output)
		require.Contains(t, lines(output)[0], "OtherActivity")
		require.Equal(t, "posthaste: 1 of 2 histories break with this version", lines(output)[3])
	})

	t.Run("as JSON", func(t *testing.T) {
		t.Parallel()
		got := newFakeAPI(t, nil).operate(t, "", "replay", recorded, broken, "-o", "json")
		require.Equal(t, terminal.CodeFailure, got.code)
		var results []replayed
		require.NoError(t, json.Unmarshal([]byte(got.out), &results))
		require.Len(t, results, 2)
		require.Equal(t, replayed{History: recorded, Result: "ok"}, results[0])
		require.Equal(t, "breaks", results[1].Result)
	})

	t.Run("files that are none", func(t *testing.T) {
		t.Parallel()
		output, code := runHere(t, "replay", none, none+".not", recorded)
		require.Equal(t, terminal.CodeUsage, code)
		require.Contains(t, output, none+": not a history of a workflow")
		require.Contains(t, output, "there is no file "+none+".not")
		require.Contains(t, output, "1 ok, 0 break")
	})
}

func TestReplayDeliveries(t *testing.T) {
	t.Parallel()
	fits, err := os.ReadFile(recorded)
	require.NoError(t, err)
	breaks, err := os.ReadFile(changed(t, otherActivity))
	require.NoError(t, err)

	t.Run("all runs of one", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, map[string][]fakeAnswer{
			"GET /v1/deliveries/dlv_1/runs":    ok(listOf(`{"run_id":"b"}`, `{"run_id":"a"}`, `{"run_id":"gone"}`)),
			"GET /v1/deliveries/dlv_1/history": {{200, string(fits)}, {200, string(breaks)}, notFound},
		})
		got := api.operate(t, "", "replay", "--delivery", "dlv_1")
		require.Equal(t, terminal.CodeFailure, got.code)
		require.Equal(t, "ok      dlv_1 run b", lines(got.out)[0])
		require.Contains(t, lines(got.out)[1], "BREAKS  dlv_1 run a: ")
		require.Contains(t, got.err, "1 ok, 1 break, 1 no longer in Temporal")
		require.Equal(t, "GET /v1/deliveries/dlv_1/history?run_id=b", api.calls()[1].what)
	})

	t.Run("all workflows since then, those that Temporal forgot left out", func(t *testing.T) {
		t.Parallel()
		event, err := os.ReadFile("../../workflows/testdata/replay/event_to_three.json")
		require.NoError(t, err)
		api := newFakeAPI(t, map[string][]fakeAnswer{
			"GET /v1/workflows": ok(listOf(`{"workflow_id":"delivery/dlv_1","run_id":"a"}`,
				`{"workflow_id":"event/evt_1","run_id":"b"}`, `{"workflow_id":"event/evt_1/0-200","run_id":"c"}`)),
			"GET /v1/workflows/history": {{200, string(fits)}, {200, string(event)}, notFound},
		})
		got := api.operate(t, "", "replay", "--since", "2026-11-22T08:00:00Z")
		require.Zero(t, got.code, got.err)
		require.Equal(t, []string{"ok      delivery/dlv_1 run a", "ok      event/evt_1 run b"}, lines(got.out))
		require.Equal(t, []string{"2 ok, 0 break, 1 no longer in Temporal"}, lines(got.err), "no progress bar where there is no terminal")
		require.Equal(t, "GET /v1/workflows?limit=200&since=2026-11-22T08%3A00%3A00Z", api.calls()[0].what)
		require.Equal(t, "GET /v1/workflows/history?run_id=b&workflow_id=event%2Fevt_1", api.calls()[2].what)
	})

	t.Run("one that nobody knows", func(t *testing.T) {
		t.Parallel()
		got := newFakeAPI(t, nil).operate(t, "", "replay", "--delivery", "dlv_1")
		require.Equal(t, terminal.CodeNotFound, got.code)
	})
}
