package models_test

import (
	"net/http"
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
