package models_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const fraction = 807_654_321 * time.Nanosecond // of now, which a date does not have
	in := func(form string, d time.Duration) string { return now.Add(d).UTC().Format(form) }
	for _, tt := range []struct {
		status int
		values []string
		want   time.Duration
	}{
		{429, []string{"30"}, 30 * time.Second},
		{503, []string{" 30\t"}, 30 * time.Second},
		{500, []string{"30"}, 0},
		{200, []string{"30"}, 0},
		{429, nil, 0},
		{429, []string{""}, 0},
		{429, []string{"0"}, 0},
		{429, []string{"-5"}, 0},
		{429, []string{"-0.5"}, 0},
		{429, []string{"soon"}, 0},
		{429, []string{"+5"}, 0},
		{429, []string{"1e3"}, 0},
		{429, []string{"."}, 0},
		{429, []string{"30 s"}, 0},

		{429, []string{"1.5"}, 2 * time.Second},
		{429, []string{"65.57"}, 66 * time.Second},
		{429, []string{"65.000"}, 65 * time.Second},
		{429, []string{"65."}, 65 * time.Second},
		{429, []string{"0.001"}, time.Second},

		{429, []string{"120, 120"}, 2 * time.Minute},
		{429, []string{"120", "120"}, 2 * time.Minute},
		{429, []string{"5,60 ,7"}, time.Minute},
		{429, []string{"soon", "60"}, time.Minute},
		{429, []string{", ,"}, 0},
		{429, []string{"1.5, " + in(http.TimeFormat, time.Hour)}, time.Hour - fraction},
		{429, []string{in(http.TimeFormat, time.Hour) + ", " + in(http.TimeFormat, time.Minute)}, time.Hour - fraction},

		{429, []string{"315360000"}, models.MaxRetryAfter}, // ten years
		{429, []string{"4294967295"}, models.MaxRetryAfter},
		{429, []string{"4294967296"}, models.MaxRetryAfter},
		{429, []string{"99999999999999999999"}, models.MaxRetryAfter},
		{429, []string{"99999999999999999999.9"}, models.MaxRetryAfter},
		{429, []string{"-99999999999999999999"}, 0},

		{429, []string{in(http.TimeFormat, time.Hour)}, time.Hour - fraction},
		{429, []string{in("Monday, 02-Jan-06 15:04:05 GMT", time.Hour)}, time.Hour - fraction},
		{429, []string{in(time.ANSIC, time.Hour)}, time.Hour - fraction},
		{429, []string{in("Mon, 2 Jan 2006 15:04:05 UTC", time.Hour)}, time.Hour - fraction},
		{429, []string{in("Mon, 02 Jan 2006 15:04:05 gmt", time.Hour)}, time.Hour - fraction},
		{429, []string{in("Mon, 02 Jan 2006 15:04:05 -0000", time.Hour)}, time.Hour - fraction},
		{429, []string{in("Mon, 02 Jan 2006 15:04:05 +0000", time.Hour)}, time.Hour - fraction},
		{429, []string{in("Mon, 02 Jan 2006 15:04:05", 3*time.Hour) + " +0200"}, time.Hour - fraction},
		{429, []string{in("Monday, 02-Jan-06 15:04:05 UTC", time.Hour)}, time.Hour - fraction},
		{429, []string{in("  Mon,  02 Jan 2006  15:04:05 GMT ", time.Hour)}, time.Hour - fraction},
		{429, []string{in("2006-01-02T15:04:05Z", time.Hour)}, time.Hour - fraction},
		{429, []string{in("Mon, 02 Jan 2006 15:04:05 EST", time.Hour)}, 0},
		{429, []string{in(http.TimeFormat, -time.Hour)}, 0},
		{429, []string{in(http.TimeFormat, 10*365*24*time.Hour)}, models.MaxRetryAfter},
		{429, []string{"Fri, 31 Dec 9999 23:59:59 GMT"}, models.MaxRetryAfter},
	} {
		header := http.Header{"Retry-After": tt.values}
		require.Equal(t, tt.want, models.RetryAfter(tt.status, header, now), "%d %q", tt.status, tt.values)
	}
}

func TestSpreadBehind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wait time.Duration
		r    float64
		want time.Duration
	}{
		{0, 0.99, 0},
		{time.Minute, 0, time.Minute},
		{time.Minute, 0.5, 63 * time.Second},
		{23 * time.Hour, 0.9, models.MaxRetryAfter},
		{models.MaxRetryAfter, 0.5, models.MaxRetryAfter},
	} {
		require.Equal(t, tt.want, models.SpreadBehind(tt.wait, tt.r), "%s %v", tt.wait, tt.r)
	}
}
