package models_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestEventValidation(t *testing.T) {
	t.Parallel()
	valid := func() *models.Event {
		return models.NewEvent(models.Event{Type: "order.paid", Data: []byte(`{"a":1}`)}, now)
	}
	require.NoError(t, valid().Validate())
	require.Equal(t, models.DefaultTenant, valid().Tenant)
	for name, tt := range map[string]struct {
		change func(*models.Event)
		field  string
	}{
		"no type":             {func(e *models.Event) { e.Type = "" }, "type"},
		"a long type":         {func(e *models.Event) { e.Type = strings.Repeat("x", 300) }, "type"},
		"a type with a space": {func(e *models.Event) { e.Type = "order paid" }, "type"},
		"a pattern as type":   {func(e *models.Event) { e.Type = "order.*" }, "type"},
		"an empty word":       {func(e *models.Event) { e.Type = "order..paid" }, "type"},
		"a bad tenant":        {func(e *models.Event) { e.Tenant = "a/b" }, "tenant"},
		"a long tenant":       {func(e *models.Event) { e.Tenant = strings.Repeat("x", 129) }, "tenant"},
		"no data":             {func(e *models.Event) { e.Data = nil }, "data"},
		"broken data":         {func(e *models.Event) { e.Data = []byte(`{`) }, "data"},
		"data not in UTF-8":   {func(e *models.Event) { e.Data = []byte("\"\xff\"") }, "data"},
		"a long key":          {func(e *models.Event) { e.IdempotencyKey = strings.Repeat("x", 256) }, "idempotency_key"},
		"a key with a zero":   {func(e *models.Event) { e.IdempotencyKey = "a\x00" }, "idempotency_key"},
		"long metadata":       {func(e *models.Event) { e.Metadata = map[string]string{"k": strings.Repeat("x", 1025)} }, "metadata.k"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := valid()
			tt.change(e)
			requireInvalid(t, e.Validate(), tt.field)
		})
	}
}

func TestSubscriptionValidation(t *testing.T) {
	t.Parallel()
	valid := func() *models.Subscription {
		return models.NewSubscription(models.Subscription{URL: "https://example.com/hook?q=1", EventTypes: []string{"*", "a.*", "a.b"}}, now)
	}
	require.NoError(t, valid().Validate())
	type change = func(*models.Subscription)
	url := func(u string) change { return func(s *models.Subscription) { s.URL = u } }
	header := func(name, value string) change {
		return func(s *models.Subscription) { s.Headers = map[string]string{name: value} }
	}
	for name, tt := range map[string]struct {
		change change
		field  string
	}{
		"no URL":                {url(""), "url"},
		"a relative URL":        {url("/hook"), "url"},
		"ftp":                   {url("ftp://example.com"), "url"},
		"credentials in a URL":  {url("https://user:password@example.com"), "url"},
		"a user in a URL":       {url("https://user@example.com"), "url"},
		"a URL without host":    {url("https:///hook"), "url"},
		"a URL with a fragment": {url("https://example.com/#top"), "url"},
		"a URL of other bytes":  {url("http://a/\xff"), "url"},
		"a port beyond 65535":   {url("https://example.com:65536/"), "url"},
		"port zero":             {url("https://example.com:0/"), "url"},
		"a long URL":            {url("https://example.com/" + strings.Repeat("x", 2048)), "url"},
		"no event types":        {func(s *models.Subscription) { s.EventTypes = nil }, "event_types"},
		"a bad pattern":         {func(s *models.Subscription) { s.EventTypes = []string{"*", "ord*"} }, "event_types[1]"},
		"a signature header":    {header("Webhook-Signature", "x"), "headers.Webhook-Signature"},
		"a host header":         {header("Host", "x"), "headers.Host"},
		"a hop-by-hop header":   {header("Connection", "close"), "headers.Connection"},
		"a split header":        {header("X-A", "b\r\nX-C: d"), "headers.X-A"},
		"a header given twice": {func(s *models.Subscription) {
			s.Headers = map[string]string{"x-a": "1", "X-A": "2"}
		}, "headers"},
		"a port out of range": {url("https://example.com:99999"), "url"},
		"a bad header name":   {header("X A", "b"), "headers"},
		"big properties": {func(s *models.Subscription) {
			s.Properties = map[string]json.RawMessage{"k": json.RawMessage(`"` + strings.Repeat("x", 1<<14) + `"`)}
		}, "properties"},
		"an unknown signature": {func(s *models.Subscription) { s.Signature = "md5" }, "signature"},
		"an unknown payload":   {func(s *models.Subscription) { s.Payload = "xml" }, "payload"},
		"a short timeout":      {func(s *models.Subscription) { s.Timeout = time.Millisecond }, "timeout"},
		"a long timeout":       {func(s *models.Subscription) { s.Timeout = 31 * time.Second }, "timeout"},
		"an empty schedule":    {func(s *models.Subscription) { s.RetrySchedule = models.Schedule{} }, "retry_schedule"},
		"a long schedule":      {func(s *models.Subscription) { s.RetrySchedule = make(models.Schedule, 51) }, "retry_schedule"},
		"a delay of nothing":   {func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Second, 0} }, "retry_schedule[1]"},
		"a delay of months":    {func(s *models.Subscription) { s.RetrySchedule = models.Schedule{90 * 24 * time.Hour} }, "retry_schedule[0]"},
		"an unknown status":    {func(s *models.Subscription) { s.Status = "asleep" }, "status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := valid()
			tt.change(s)
			err := s.Validate()
			requireInvalid(t, err, tt.field)
			require.NotContains(t, err.Error(), "password@")
		})
	}
}

func TestCloneIsIndependent(t *testing.T) {
	t.Parallel()
	s := models.NewSubscription(models.Subscription{
		EventTypes: []string{"a"}, Headers: map[string]string{"X-A": "1"}, Secrets: []models.Secret{{Value: "s"}},
	}, now)
	c := s.Clone()
	c.EventTypes[0], c.Headers["X-A"], c.Secrets[0].Value = "b", "2", "t"
	require.Equal(t, "a", s.EventTypes[0])
	require.Equal(t, "1", s.Headers["X-A"])
	require.Equal(t, "s", s.Secrets[0].Value)
}

func requireInvalid(t *testing.T, err error, field string) {
	t.Helper()
	e, ok := errors.AsType[*models.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, models.CodeInvalid, e.Code)
	require.Equal(t, field, e.Field, e.Detail)
}
