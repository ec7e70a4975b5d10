package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/teststorage"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestQueriesFindTheirSeries has Prometheus itself run every query of the dashboard and of the alerting rules on the metrics of a
// process that has delivered one event and failed to deliver another. Each series that a query names must be there.
func TestQueriesFindTheirSeries(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "POSTHASTE_METRICS_LISTEN=127.0.0.1:0")
	watch := newWatch(t, p)
	watch.scrape(t, -time.Minute)
	p.deliverAndFail(t)
	require.Eventually(t, func() bool { return watch.failedAndDelivered(t) }, programLimit, 100*time.Millisecond)
	watch.scrape(t, 0)
	queries := dashboard(t)
	maps.Copy(queries, alerts(t))
	require.Greater(t, len(queries), 40)
	for name, query := range queries {
		t.Run(name, func(t *testing.T) { require.NoError(t, watch.find(t, query)) })
	}
	require.Error(t, watch.find(t, "sum(rate(posthaste_there_is_no_such_total[5m]))"))
}

// deliverAndFail publishes an event to a receiver that accepts it and to one that does not.
func (p *program) deliverAndFail(t *testing.T) {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fail" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	for _, path := range []string{"/succeed", "/fail"} {
		p.call(t, http.MethodPost, "/v1/subscriptions", map[string]any{
			"url": receiver.URL + path, "event_types": []string{"*"}, "retry_schedule": []string{"1s", "1h"},
		}, &struct{}{})
	}
	p.call(t, http.MethodPost, "/v1/events", map[string]any{"type": "order.paid", "data": map[string]any{}}, &struct{}{})
}

// watch is a Prometheus that scrapes the program.
type watch struct {
	url     string
	now     time.Time
	storage *teststorage.TestStorage
	engine  *promql.Engine
}

func newWatch(t *testing.T, p *program) *watch {
	t.Helper()
	w := &watch{now: time.Now(), storage: teststorage.New(t), url: regexp.MustCompile(`Metrics +(http://\S+)`).FindStringSubmatch(p.output.String())[1]}
	w.engine = promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: programLimit})
	t.Cleanup(func() { require.NoError(t, w.engine.Close()) })
	return w
}

func (w *watch) fetch(t *testing.T) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return text.Bytes()
}

// failedAndDelivered reports whether one event is delivered, and another one failed twice: the first attempt does not wait for a worker.
func (w *watch) failedAndDelivered(t *testing.T) bool {
	t.Helper()
	shown := string(w.fetch(t))
	return regexp.MustCompile(`posthaste_attempts_total\{[^}]*outcome="delivered"\} 1`).MatchString(shown) &&
		regexp.MustCompile(`posthaste_attempts_total\{[^}]*outcome="pending"\} 2`).MatchString(shown)
}

// scrape stores the metrics as of a time before or after the start.
func (w *watch) scrape(t *testing.T, after time.Duration) {
	t.Helper()
	at := model.TimeFromUnixNano(w.now.Add(after).UnixNano())
	parsed := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parsed.TextToMetricFamilies(bytes.NewReader(w.fetch(t)))
	require.NoError(t, err)
	samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: at}, slices.Collect(maps.Values(families))...)
	require.NoError(t, err)
	samples = append(samples, &model.Sample{Metric: model.Metric{model.MetricNameLabel: "up"}, Value: 1, Timestamp: at})
	into := w.storage.Appender(context.Background())
	for _, sample := range samples {
		all := map[string]string{"job": "posthaste", "instance": "127.0.0.1:9090"}
		for name, value := range sample.Metric {
			all[string(name)] = string(value)
		}
		_, err := into.Append(0, labels.FromMap(all), int64(sample.Timestamp), float64(sample.Value))
		require.NoError(t, err)
	}
	require.NoError(t, into.Commit())
}

// find runs the parts of a query and returns an error that names the first that finds nothing.
func (w *watch) find(t *testing.T, query string) error {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	require.NoError(t, err, query)
	for _, part := range parts(expr) {
		run, err := w.engine.NewInstantQuery(t.Context(), w.storage, nil, part.String(), w.now)
		require.NoError(t, err, part.String())
		result := run.Exec(t.Context())
		require.NoError(t, result.Err, part.String())
		found, err := result.Vector()
		require.NoError(t, err, part.String())
		if !slices.ContainsFunc(found, func(s promql.Sample) bool { return !math.IsNaN(s.F) }) {
			return fmt.Errorf("%s finds nothing", part)
		}
		run.Close()
	}
	return nil
}

// parts are the expressions in a query that must find something: each selector, and the whole, but of a comparison
// the left side, and nothing of what is absent.
func parts(query parser.Expr) (all []parser.Expr) {
	quiet := false
	parser.Inspect(query, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			all = append(all, n)
		case *parser.BinaryExpr:
			if n.Op.IsComparisonOperator() {
				quiet, all = true, append(all, n.LHS)
			}
		case *parser.Call:
			quiet = quiet || n.Func.Name == "absent"
		}
		return nil
	})
	if !quiet {
		all = append(all, query)
	}
	return all
}

// alerts are the expressions of the alerting rules by name.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &file))
	queries := map[string]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			queries[rule.Alert] = rule.Expr
		}
	}
	return queries
}

// dashboard are the queries of the dashboard by panel, with its variables filled in, and the query of its list of jobs.
func dashboard(t *testing.T) map[string]string {
	t.Helper()
	var file struct {
		Templating struct {
			List []struct {
				Type  string
				Query json.RawMessage
			}
		}
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	text, err := os.ReadFile("../../deploy/grafana/posthaste.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &file))
	queries := map[string]string{}
	for _, panel := range file.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			queries[panel.Title+" "+target.RefID] = strings.NewReplacer("$job", "posthaste", "$__rate_interval", "5m").Replace(target.Expr)
		}
	}
	for _, variable := range file.Templating.List {
		if variable.Type == "query" {
			listed := regexp.MustCompile(`label_values\((\w+), job\)`).FindSubmatch(variable.Query)
			require.NotNil(t, listed, "%s", variable.Query)
			queries["the list of jobs"] = string(listed[1])
		}
	}
	require.Contains(t, queries, "the list of jobs")
	return queries
}
