package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
)

const (
	firstRun  = "0199b3f2-7c5e-7a11-9d7c-0a1b2c3d4e5f"
	secondRun = "0199b3f2-8888-7a11-9d7c-0a1b2c3d4e5f"
)

func TestRuns(t *testing.T) {
	t.Parallel()

	t.Run("show every run, with links to its history and to the Web UI", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path := deliveriesPath + "/" + h.deliver().ID
		started := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		h.control.runs = []models.Run{
			{ID: secondRun, Status: "Running", StartedAt: started.Add(time.Hour)},
			{ID: firstRun, Status: "Failed", StartedAt: started, ClosedAt: started.Add(time.Minute)},
		}
		a := h.get(path + "/runs")
		a.is(http.StatusOK)
		ui := "http://ui.test/namespaces/posthaste/workflows/delivery%2F" + path[len(deliveriesPath)+1:] + "/"
		require.JSONEq(t, `{"data":[{
			"run_id":"`+secondRun+`", "status":"Running", "started_at":"2026-03-01T13:00:00.000Z",
			"links":{"history":"`+path+`/history?run_id=`+secondRun+`","workflow":"`+ui+secondRun+`"}
		},{
			"run_id":"`+firstRun+`", "status":"Failed",
			"started_at":"2026-03-01T12:00:00.000Z", "closed_at":"2026-03-01T12:01:00.000Z",
			"links":{"history":"`+path+`/history?run_id=`+firstRun+`","workflow":"`+ui+firstRun+`"}
		}]}`, a.body)
	})

	t.Run("are an empty list before the first, and know no Web UI where there is none", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, func(d *api.Deps) { d.UIURL = "" })
		path := deliveriesPath + "/" + h.deliver().ID + "/runs"
		require.JSONEq(t, `{"data":[]}`, h.get(path).body)
		h.control.runs = []models.Run{{ID: firstRun}}
		require.NotContains(t, h.get(path).body, "workflow")
	})

	t.Run("need Temporal", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.control.err = models.Errorf(models.CodeUnavailable, "Temporal does not answer; try again")
		path := deliveriesPath + "/" + h.deliver().ID
		for _, what := range []string{"/runs", "/history"} {
			h.get(path+what).isProblem(http.StatusServiceUnavailable, models.CodeUnavailable, "")
		}
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()

	t.Run("is passed on byte for byte", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.control.history = []byte("{\n  \"events\": [ {\"eventId\":\"1\", \"z\":1.00, \"a\":\"<&>\\u00e9\"} ]\n}\n\n")
		d := h.deliver()
		for _, query := range []string{"", "?run_id=" + firstRun} {
			a := h.get(deliveriesPath + "/" + d.ID + "/history" + query)
			a.is(http.StatusOK)
			require.Equal(t, string(h.control.history), a.body)
		}
		require.Equal(t, []string{"history " + d.ID + " ", "history " + d.ID + " " + firstRun}, h.control.asked)
	})

	t.Run("is not found when Temporal does not have it", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.control.err = models.NotFound("run", firstRun)
		h.get(deliveriesPath+"/"+h.deliver().ID+"/history?run_id="+firstRun).
			isProblem(http.StatusNotFound, models.CodeNotFound, "")
	})

	t.Run("is of a run, not of anything else", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		path := deliveriesPath + "/" + h.deliver().ID + "/history"
		for _, id := range []string{"1", "0199B3F2-7C5E-7A11-9D7C-0A1B2C3D4E5F", firstRun + "0", "..%2f" + firstRun, "%00"} {
			h.get(path+"?run_id="+id).isProblem(http.StatusBadRequest, models.CodeInvalid, "run_id")
		}
		h.get(path+"?run="+firstRun).isProblem(http.StatusBadRequest, models.CodeInvalid, "run")
		require.Empty(t, h.control.asked)
	})
}

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
