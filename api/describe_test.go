package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/courier"
	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/models"
)

// described checks requests and answers against the description of the API, read anew from its text.
var described = sync.OnceValues(func() (validator.Validator, error) {
	document, err := libopenapi.NewDocument(api.Describe("1.2.3"))
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document, config.WithoutSecurityValidation()) // which the tests of access are for
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
})

// isDescribed makes sure that an answer is one that the description knows for the request and, where the request was taken, that
// the description lets such a request pass. Every request of the harness comes by here.
func isDescribed(t *testing.T, request *http.Request, sent []byte, got *httptest.ResponseRecorder) {
	t.Helper()
	if !inDescription(request) {
		return
	}
	v, err := described()
	require.NoError(t, err)
	request.Body = io.NopCloser(bytes.NewReader(sent))
	if got.Code/100 == 2 && !strings.Contains(got.Body.String(), `"error":`) { // a batch may be taken but for some events
		_, errs := v.ValidateHttpRequestSync(request)
		requireNone(t, errs, request, string(sent))
	}
	_, errs := v.ValidateHttpResponse(request, got.Result())
	requireNone(t, errs, request, got.Body.String())
}

// inDescription reports whether the description has an operation for the request. It has none for HEAD, for the pages that show
// it, and for most of the methods with which a provider may call.
func inDescription(request *http.Request) bool {
	return slices.ContainsFunc(api.Routes(), func(r api.Route) bool {
		return r.Method == request.Method && matches(r.Path, request.URL.Path)
	})
}

func requireNone(t *testing.T, errs []*errors.ValidationError, request *http.Request, text string) {
	t.Helper()
	for _, err := range errs {
		for _, cause := range err.SchemaValidationErrors {
			t.Logf("%s: %s", cause.FieldPath, cause.Reason)
		}
		t.Errorf("%s %s: %s: %s: %s", request.Method, request.URL, err.Message, err.Reason, text)
	}
}

func copyBody(t *testing.T, request *http.Request) []byte {
	t.Helper()
	sent, err := io.ReadAll(request.Body)
	require.NoError(t, err)
	request.Body = io.NopCloser(bytes.NewReader(sent))
	return sent
}

var update = flag.Bool("update", false, "write docs/openapi.json")

const descriptionFile = "../docs/openapi.json"

// The description in the repository, from which clients are generated, is what GET /openapi.json answers.
func TestDescription(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	require.NoError(t, json.Indent(&want, api.Describe("dev"), "", " "))
	want.WriteByte('\n')
	if *update {
		require.NoError(t, os.WriteFile(descriptionFile, want.Bytes(), 0o600))
	}
	kept, err := os.ReadFile(descriptionFile)
	require.NoError(t, err)
	require.Equal(t, want.String(), string(kept), "run: go test ./api -run TestDescription -update")

	served := newHarness(t, func(d *api.Deps) { d.Version = "dev" }).do(http.MethodGet, "/openapi.json", "", "Authorization", "")
	require.JSONEq(t, want.String(), served.body)
	served.is(http.StatusOK)
}

// operation is the part of an operation that these tests read.
type operation struct {
	ID, Summary string
	Tags        []string
	Parameters  []struct{ Name, Description, In string }
	RequestBody *struct{ Content map[string]example }
	Responses   map[string]struct{ Content map[string]example }
}

type example struct{ Example any }

// Nothing is described by halves: the tables of words name each operation and each parameter, and each body has an example.
func TestDescriptionIsWhole(t *testing.T) {
	t.Parallel()
	var all struct {
		Tags  []struct{ Name string }
		Paths map[string]map[string]operation
	}
	require.NoError(t, json.Unmarshal(api.Describe("dev"), &all))
	count := 0
	for path, item := range all.Paths {
		for method, o := range item {
			count++
			place := method + " " + path
			require.NotEmpty(t, o.Summary, place)
			require.Contains(t, all.Tags, struct{ Name string }{o.Tags[0]}, place)
			for _, p := range o.Parameters {
				require.True(t, p.Description != "" || p.In == "path", "%s: %s", place, p.Name)
			}
			if o.RequestBody != nil {
				require.NotNil(t, o.RequestBody.Content["application/json"].Example, place)
			}
			for status, response := range o.Responses {
				body, isJSON := response.Content["application/json"]
				require.True(t, !isJSON || body.Example != nil || strings.HasSuffix(path, "/history"), "%s %s", place, status)
			}
		}
	}
	require.Equal(t, len(api.Routes())+2, count, "with two methods of /in/{id}")
}

// The validator that checks the requests of this suite finds what the description does not say.
func TestDescriptionRefuses(t *testing.T) {
	t.Parallel()
	v, err := described()
	require.NoError(t, err)
	for name, body := range map[string]string{
		"an unknown field": `{"type":"a","data":1,"x":1}`, "a missing field": `{"type":"a"}`, "a wrong type": `{"type":1,"data":1}`,
	} {
		request := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		ok, _ := v.ValidateHttpRequestSync(request)
		require.False(t, ok, name)
	}
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"an unknown status": {http.StatusTeapot, `{}`}, "a missing field": {http.StatusOK, `{"data":[{"id":"dlv_1"}]}`},
		"a status of a delivery that there is not": {http.StatusOK, strings.Replace(deliveryPage, "pending", "lost", 1)},
	} {
		require.False(t, validAnswer(v, answer.status, answer.body), name)
	}
	require.True(t, validAnswer(v, http.StatusOK, deliveryPage))
}

const deliveryPage = `{"data":[{"id":"dlv_1","tenant":"a","event_id":"evt_1","event_type":"a","subscription_id":"sub_1","status":"pending",` +
	`"attempts":1,"created_at":"2026-11-22T01:01:26.124Z","updated_at":"2026-11-22T01:01:26.124Z","links":{}}]}`

func validAnswer(v validator.Validator, status int, body string) bool {
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Type", "application/json")
	recorder.WriteHeader(status)
	_, _ = recorder.WriteString(body)
	valid, _ := v.ValidateHttpResponse(httptest.NewRequest(http.MethodGet, "/v1/deliveries", nil), recorder.Result())
	return valid
}

// A delivery has the headers that the description tells its receiver to expect.
func TestDescriptionOfDeliveries(t *testing.T) {
	t.Parallel()
	var all struct {
		Webhooks map[string]map[string]operation
	}
	require.NoError(t, json.Unmarshal(api.Describe("dev"), &all))
	sent := &recordedRequest{}
	_, err := courier.NewHTTP(courier.HTTPOptions{Sender: sent}).Carry(t.Context(), &models.Work{
		Event:    &models.Event{ID: "evt_1", Type: "a", Data: []byte("1")},
		Delivery: &models.Delivery{ID: "dlv_1", Payload: models.PayloadEnvelope},
		Subscription: &models.Subscription{
			Signature: models.SignatureStandard, Secrets: []models.Secret{{Value: "whsec_" + strings.Repeat("MTIz", 10)}},
		},
	})
	require.NoError(t, err)
	parameters := all.Webhooks["delivery"]["post"].Parameters
	require.Len(t, parameters, 6)
	for _, p := range parameters {
		require.NotEmpty(t, headerOf(sent.header, p.Name), p.Name)
	}
}

func headerOf(header http.Header, name string) string {
	for found, values := range header {
		if strings.EqualFold(found, name) {
			return values[0]
		}
	}
	return ""
}

type recordedRequest struct{ header http.Header }

func (r *recordedRequest) Send(_ context.Context, request safehttp.Request) (models.Exchange, error) {
	r.header = request.Header
	return models.Exchange{}, nil
}

// The page asks no other host: its policy forbids it, and all that it loads is here.
func TestDocs(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	page := h.do(http.MethodGet, "/docs/", "", "Authorization", "")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'; connect-src 'self';")
	loaded := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.body, -1)
	require.NotEmpty(t, loaded)
	for _, found := range loaded {
		part := h.do(http.MethodGet, found[1], "", "Authorization", "")
		require.Equal(t, http.StatusOK, part.status, found[1])
		require.NotEmpty(t, part.body, found[1])
	}
	require.Equal(t, "/docs/", h.do(http.MethodGet, "/docs", "", "Authorization", "").header.Get("Location"))
	require.Equal(t, http.StatusNotFound, h.get("/docs/nothing.js").status)
}

// The table of calls in docs/api.md has every route, with the status of its success and its query parameters.
func TestTableOfCalls(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/api.md")
	require.NoError(t, err)
	rows := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| (\\d{3})(.*)$")
	for _, found := range row.FindAllStringSubmatch(string(page), -1) {
		rows[found[1]] = found[2:]
	}
	path := regexp.MustCompile(`:(\w+)`)
	for _, route := range api.Routes() {
		call := route.Method + " " + path.ReplaceAllString(route.Path, "{$1}")
		require.Contains(t, rows, call)
		status, text := rows[call][0], rows[call][1]
		require.Contains(t, route.Statuses, number(t, status), call)
		_, query, _ := strings.Cut(text, "query: ")
		for _, name := range route.Query {
			require.True(t, name == "limit" || name == "cursor" || strings.Contains(query, "`"+name+"`"), "%s: %s", call, name)
		}
		for _, found := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(query, -1) {
			require.True(t, slices.Contains(route.Query, found[1]), "%s: %s", call, found[1])
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}
