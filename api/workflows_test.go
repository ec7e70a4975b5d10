package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestWorkflows(t *testing.T) {
	t.Parallel()

	t.Run("are listed with links to their history and to the Web UI, and paged by what Temporal says", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.control.next = []byte{0, 255, 7}
		h.control.runs = []models.Run{{ID: firstRun, Status: "Running", StartedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
		next := base64.RawURLEncoding.EncodeToString(h.control.next)
		require.JSONEq(t, `{"data":[{
			"workflow_id":"event/evt_1/0-200", "type":"DeliverBatch",
			"run_id":"`+firstRun+`", "status":"Running", "started_at":"2026-03-01T12:00:00.000Z",
			"links":{
				"history":"/v1/workflows/history?run_id=`+firstRun+`\u0026workflow_id=event%2Fevt_1%2F0-200",
				"workflow":"http://ui.test/namespaces/posthaste/workflows/event%2Fevt_1%2F0-200/`+firstRun+`"}
		}],"next_cursor":"`+next+`"}`, h.get("/v1/workflows?since=2026-03-01T00:00:00Z&limit=7").body)
		h.control.next = nil
		require.NotContains(t, h.get("/v1/workflows?cursor="+next).body, "next_cursor")
		require.Equal(t, []string{
			`workflows 2026-03-01T00:00:00Z "" 7`, `workflows 0001-01-01T00:00:00Z "\x00\xff\a" 50`,
		}, h.control.asked)
	})

	t.Run("have histories", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.control.history = []byte(`{"events": []}`)
		a := h.get("/v1/workflows/history?workflow_id=recovery%2Frcv_1&run_id=" + firstRun)
		a.is(http.StatusOK)
		require.Equal(t, string(h.control.history), a.body)
		require.Equal(t, []string{"history recovery/rcv_1 " + firstRun}, h.control.asked)
	})

	t.Run("need Temporal, and what names them", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		for path, field := range map[string]string{
			"/v1/workflows?cursor=%21":                     "cursor",
			"/v1/workflows?since=now":                      "since",
			"/v1/workflows/history?workflow_id=event%2F":   "workflow_id",
			"/v1/workflows/history?run_id=" + firstRun:     "workflow_id",
			"/v1/workflows/history?workflow_id=a&run_id=b": "run_id",
			"/v1/workflows/history?run_id=" + firstRun + "&workflow_id=" + url.QueryEscape(strings.Repeat("x", 256)): "workflow_id",
		} {
			h.get(path).isProblem(http.StatusBadRequest, models.CodeInvalid, field)
		}
		h.control.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
		h.get("/v1/workflows").isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
	})
}
