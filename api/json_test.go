package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// badEvents are publications that must be refused: what the answer's field is, and a part of its detail.
var badEvents = map[string]struct{ body, field, detail string }{
	"nothing":                     {"", "", "the request body is empty"},
	"white space":                 {" \n", "", "the request body is empty"},
	"malformed JSON":              {`{"type": order}`, "", "not valid JSON at byte 10"},
	"half a JSON value":           {`{"type":"a"`, "", "unexpected end of JSON input"},
	"trailing garbage":            {eventBody + "x", "", "at byte 37: invalid character 'x' after top-level value"},
	"two values":                  {eventBody + eventBody, "", "not valid JSON at byte 37"},
	"an array":                    {`[]`, "", "must be an object, not an array"},
	"null":                        {`null`, "", "must be an object, not null"},
	"broken UTF-8":                {"{\"type\":\"\xff\",\"data\":1}", "", "at byte 10: not UTF-8"},
	"bottomless nesting":          {`{"data":` + strings.Repeat("[", 20_000), "", "exceeded max depth"},
	"a number as type":            {`{"type":7,"data":1}`, "type", "type must be a string, not a number"},
	"an object as tenant":         {`{"type":"a","data":1,"tenant":{}}`, "tenant", "not an object"},
	"an array as metadata":        {`{"type":"a","data":1,"metadata":[]}`, "metadata", "must be an object, not an array"},
	"a number in metadata":        {`{"type":"a","data":1,"metadata":{"n":1}}`, "metadata.n", "must be a string, not a number"},
	"null in metadata":            {`{"type":"a","data":1,"metadata":{"n":null}}`, "metadata.n", "must be a string, not null"},
	"a boolean as key":            {`{"type":"a","data":1,"idempotency_key":true}`, "idempotency_key", "not a boolean"},
	"an unknown field":            {`{"type":"a","data":1,"topic":"b"}`, "topic", "topic is not a known field"},
	"a field in capitals":         {`{"TYPE":"a","data":1}`, "TYPE", "is not a known field"},
	"a field without a name":      {`{"":"a","data":1}`, "", "is not a known field"},
	"an endless field name":       {`{"` + strings.Repeat("é", 1000) + `":1}`, strings.Repeat("é", 50) + "…", "is not a known field"},
	"a field twice":               {`{"type":"a","type":"b","data":1}`, "type", "type is given twice"},
	"no type":                     {`{"data":1}`, "type", "type is required"},
	"an empty type":               {`{"type":"","data":1}`, "type", "type is required"},
	"a type of 300 characters":    {`{"type":"` + strings.Repeat("a", 300) + `","data":1}`, "type", "300 characters"},
	"a pattern as type":           {`{"type":"order.*","data":1}`, "type", "words of letters"},
	"no data":                     {`{"type":"a"}`, "data", "data is required"},
	"an odd tenant":               {`{"type":"a","data":1,"tenant":"a b"}`, "tenant", "must start with"},
	"a key of 300 characters":     {`{"type":"a","data":1,"idempotency_key":"` + strings.Repeat("k", 300) + `"}`, "idempotency_key", "300 bytes"},
	"a zero byte in a key":        {`{"type":"a","data":1,"idempotency_key":"\u0000"}`, "idempotency_key", "not allowed"},
	"a zero byte in metadata":     {`{"type":"a","data":1,"metadata":{"a":"\u0000"}}`, "metadata.a", "not allowed"},
	"the id we are to give":       {`{"id":"evt_1","type":"a","data":1}`, "id", "is not a known field"},
	"a field after a known error": {`{"type":"a","data":1,"metadata":{"a":{"b":1}}}`, "metadata.a", "not an object"},
}

func TestBadEvents(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	t.Cleanup(h.requireNothingStored) // after all subtests
	for name, bad := range badEvents {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			detail := h.on(t).do(http.MethodPost, "/v1/events", bad.body).isProblem(http.StatusBadRequest, models.CodeInvalid, bad.field)
			require.Contains(t, detail, bad.detail)
		})
	}
}

const goodSub = `"url":"https://example.com/","event_types":["*"]`

var badSubscriptions = map[string]struct{ body, field, detail string }{
	"no URL":                    {`{"event_types":["*"]}`, "url", "url is required"},
	"a null URL":                {`{"url":null,"event_types":["*"]}`, "url", "url is required"},
	"ftp":                       {`{"url":"ftp://example.com/","event_types":["*"]}`, "url", "must start with http"},
	"a URL with credentials":    {`{"url":"https://joe:hunter2@example.com/","event_types":["*"]}`, "url", "user name or password"},
	"a relative URL":            {`{"url":"/hook","event_types":["*"]}`, "url", "must start with http"},
	"a URL that is none":        {`{"url":"http://[::1","event_types":["*"]}`, "url", "is not a URL"},
	"no event types":            {`{"url":"https://example.com/"}`, "event_types", "is required"},
	"null event types":          {`{"url":"https://example.com/","event_types":null}`, "event_types", "is required"},
	"a string of event types":   {`{"url":"https://example.com/","event_types":"*"}`, "event_types", "must be an array, not a string"},
	"a number as event type":    {`{"url":"https://example.com/","event_types":["a",1]}`, "event_types[1]", "must be a string"},
	"null as event type":        {`{"url":"https://example.com/","event_types":[null]}`, "event_types[0]", "must be a string, not null"},
	"a bad event type":          {`{"url":"https://example.com/","event_types":["a","b c"]}`, "event_types[1]", "words"},
	"a number as timeout":       {`{"timeout":15,` + goodSub + `}`, "timeout", `such as "15s", not a number`},
	"a timeout without unit":    {`{"timeout":"15",` + goodSub + `}`, "timeout", "is not a duration"},
	"a timeout of nothing":      {`{"timeout":"0s",` + goodSub + `}`, "timeout", "0s is not between"},
	"a long timeout":            {`{"timeout":"31s",` + goodSub + `}`, "timeout", "31s is not between"},
	"an empty schedule":         {`{"retry_schedule":[],` + goodSub + `}`, "retry_schedule", "0 delays"},
	"a bad delay":               {`{"retry_schedule":["1s","soon"],` + goodSub + `}`, "retry_schedule[1]", "is not a duration"},
	"a null delay":              {`{"retry_schedule":["1s",null],` + goodSub + `}`, "retry_schedule[1]", "not null"},
	"a negative delay":          {`{"retry_schedule":["-1s"],` + goodSub + `}`, "retry_schedule[0]", "-1s is not above"},
	"a list of headers":         {`{"headers":["a"],` + goodSub + `}`, "headers", "must be an object"},
	"a number as header":        {`{"headers":{"X-A":1},` + goodSub + `}`, "headers.X-A", "must be a string"},
	"a header twice":            {`{"headers":{"X-A":"1","X-A":"2"},` + goodSub + `}`, "headers.X-A", "is given twice"},
	"a reserved header":         {`{"headers":{"Webhook-Id":"1"},` + goodSub + `}`, "headers.Webhook-Id", "is set by Posthaste"},
	"a header with a line":      {`{"headers":{"X-A":"1\r\nX-B: 2"},` + goodSub + `}`, "headers.X-A", "is not a header value"},
	"a redacted header":         {`{"headers":{"X-Token":"[redacted]"},` + goodSub + `}`, "headers.X-Token", "stands for a value"},
	"a string of properties":    {`{"properties":"a",` + goodSub + `}`, "properties", "must be an object"},
	"an unknown status":         {`{"status":"asleep",` + goodSub + `}`, "status", `"asleep" is not one of`},
	"an empty signature":        {`{"signature":"",` + goodSub + `}`, "signature", "is not one of"},
	"an unknown payload":        {`{"payload":"xml",` + goodSub + `}`, "payload", "is not one of"},
	"a secret without prefix":   {`{"secret":"c2VjcmV0",` + goodSub + `}`, "secret", "holds 6 bytes"},
	"an empty secret":           {`{"secret":"",` + goodSub + `}`, "secret", "holds 0 bytes"},
	"a short secret":            {`{"secret":"whsec_c2hvcnQ=",` + goodSub + `}`, "secret", "24 to 64"},
	"an unknown field":          {`{"uri":"x",` + goodSub + `}`, "uri", "is not a known field"},
	"a name of 300 characters":  {`{"name":"` + strings.Repeat("n", 300) + `",` + goodSub + `}`, "name", "300 bytes"},
	"an odd tenant":             {`{"tenant":"../a",` + goodSub + `}`, "tenant", "must start with"},
	"a number as tenant":        {`{"tenant":1,` + goodSub + `}`, "tenant", "must be a string"},
	"a secret of another shape": {`{"secret":{"value":"hunter2"},` + goodSub + `}`, "secret", "must be a string"},
}

func TestBadSubscriptions(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	t.Cleanup(h.requireNothingStored) // after all subtests
	t.Cleanup(func() { require.NotContains(t, h.logs.String(), "hunter2") })
	for name, bad := range badSubscriptions {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			a := h.on(t).do(http.MethodPost, "/v1/subscriptions", bad.body)
			require.Contains(t, a.isProblem(http.StatusBadRequest, models.CodeInvalid, bad.field), bad.detail)
			require.NotContains(t, a.body, "hunter2")
			require.NotContains(t, a.body, "c2hvcnQ")
		})
	}
}

func TestBadHeaders(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	t.Cleanup(h.requireNothingStored) // after all subtests
	for name, bad := range map[string]struct {
		header, value string
		status        int
		code          models.Code
	}{
		"a form":             {"Content-Type", "application/x-www-form-urlencoded", http.StatusUnsupportedMediaType, "unsupported_media_type"},
		"no content type":    {"Content-Type", "", http.StatusUnsupportedMediaType, "unsupported_media_type"},
		"another charset":    {"Content-Type", "application/json; charset=latin1", http.StatusUnsupportedMediaType, "unsupported_media_type"},
		"a broken type":      {"Content-Type", "application/json; =", http.StatusUnsupportedMediaType, "unsupported_media_type"},
		"compression":        {"Content-Encoding", "gzip", http.StatusUnsupportedMediaType, "unsupported_media_type"},
		"no key":             {"Authorization", "", http.StatusUnauthorized, models.CodeUnauthorized},
		"a wrong key":        {"Authorization", "Bearer the-wrong-key", http.StatusUnauthorized, models.CodeUnauthorized},
		"half a key":         {"Authorization", "Bearer the-right", http.StatusUnauthorized, models.CodeUnauthorized},
		"an empty key":       {"Authorization", "Bearer ", http.StatusUnauthorized, models.CodeUnauthorized},
		"another scheme":     {"Authorization", "Basic " + apiKey, http.StatusUnauthorized, models.CodeUnauthorized},
		"a key and no more":  {"Authorization", apiKey, http.StatusUnauthorized, models.CodeUnauthorized},
		"an endless new key": {"Authorization", "Bearer " + strings.Repeat("k", 100_000), http.StatusUnauthorized, models.CodeUnauthorized},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			a := h.on(t).do(http.MethodPost, "/v1/events", eventBody, bad.header, bad.value)
			a.isProblem(bad.status, bad.code, "")
			if bad.status == http.StatusUnauthorized {
				require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
			}
		})
	}

	t.Run("refuses two idempotency keys that differ", func(t *testing.T) {
		t.Parallel()
		h.on(t).do(http.MethodPost, "/v1/events", `{"type":"a","data":1,"idempotency_key":"a"}`, "Idempotency-Key", "b").
			isProblem(http.StatusBadRequest, models.CodeInvalid, "idempotency_key")
	})

	t.Run("refuses a query where none is known", func(t *testing.T) {
		t.Parallel()
		h.on(t).do(http.MethodPost, "/v1/events?dry_run=1", eventBody).
			isProblem(http.StatusBadRequest, models.CodeInvalid, "dry_run")
	})
}

func TestGoodHeaders(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.do(http.MethodPost, "/v1/events", eventBody, "Content-Type", "Application/JSON; charset=UTF-8").is(http.StatusAccepted)
	h.do(http.MethodPost, "/v1/events", eventBody, "Content-Encoding", "identity").is(http.StatusAccepted)
	h.do(http.MethodPost, "/v1/events", eventBody, "Authorization", "bearer "+apiKey).is(http.StatusAccepted)
	h.do(http.MethodPost, "/v1/events", eventBody, "Idempotency-Key", " ").is(http.StatusAccepted)
}

func TestTooLargeBody(t *testing.T) {
	t.Parallel()
	body := `{"type":"a","data":"` + strings.Repeat("x", 2<<20) + `"}`

	t.Run("is refused with the limit named", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		detail := h.do(http.MethodPost, "/v1/events", body).
			isProblem(http.StatusRequestEntityTooLarge, models.CodeTooLarge, "")
		require.Contains(t, detail, "1048576 bytes")
		h.requireNothingStored()
	})

	for name, reader := range map[string]io.Reader{
		"that says how long it is": strings.NewReader(body),
		"that comes in chunks":     io.MultiReader(strings.NewReader(body)),
	} {
		t.Run("gets its answer over a real connection, which is closed, "+name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			server := httptest.NewServer(h.handler)
			defer server.Close()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/events", reader)
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+apiKey)
			request.Header.Set("Content-Type", "application/json")
			response, err := server.Client().Do(request)
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
			require.True(t, response.Close)
			h.requireNothingStored()
		})
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/events",
		io.MultiReader(strings.NewReader(eventBody), iotest.ErrReader(io.ErrUnexpectedEOF)))
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, request)
	(&answer{t: t, status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}).
		isProblem(http.StatusBadRequest, models.CodeInvalid, "")
	h.requireNothingStored()
}
