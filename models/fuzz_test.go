package models_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "30", "-1", "1.5", "+5", "1e3", "99999999999999999999", "Wed, 21 Oct 2015 07:28:00 GMT",
		"Wednesday, 21-Oct-15 07:28:00 GMT", "Wed Oct 21 07:28:00 2015", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "\x00",
	} {
		f.Add(429, value)
	}
	f.Fuzz(func(t *testing.T, status int, value string) {
		wait := models.RetryAfter(status, http.Header{"Retry-After": {value}}, now)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, models.MaxRetryAfter)
		if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			require.Zero(t, wait)
		}
	})
}

func FuzzValidateURL(f *testing.F) {
	for _, raw := range []string{
		"https://example.com/hook?a=b", "http://[::1%25lo]:80/", "https://user@example.com", "HTTP://EXAMPLE.COM", "//a", "http:a",
		"http://a:99999/", "http://a:/", "http://:80", "http:///a", "https://é.example/ü", "http://a\\@b/", "http://a%00b/",
		"javascript:alert(1)", "http://2130706433/", "http://a b/", "https://a/\r\nX: y", "http://[::ffff:10.0.0.1]", "http://@a",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if models.ValidateURL("url", raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.NotEmpty(t, u.Hostname())
		require.Nil(t, u.User)
		require.LessOrEqual(t, len(raw), models.MaxURL)
		_, err = http.NewRequest(http.MethodPost, raw, http.NoBody)
		require.NoError(t, err)
	})
}
