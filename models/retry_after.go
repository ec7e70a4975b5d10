package models

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads the Retry-After header of an answer (RFC 9110 §10.2.3): how long after now the receiver asks us to
// wait. It is honoured on 429 and 503 and capped at MaxRetryAfter; on anything else, and where it cannot be read, it is 0.
//
// It takes what real receivers send. Seconds may have a fraction, which is rounded up, and any number of digits. A date
// has one of the three forms of RFC 9110 §5.6.7, or that of RFC 3339, and names its zone in letters (GMT, UTC) or in
// digits (-0000). Of several values, in one line or in many, the longest wait counts.
func RetryAfter(status int, header http.Header, now time.Time) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	var longest time.Duration
	for _, line := range header.Values("Retry-After") {
		for _, value := range retryValues(line) {
			longest = max(longest, retryValue(value, now))
		}
	}
	return min(longest, MaxRetryAfter)
}

// SpreadBehind lengthens a wait by up to the jitter, so that deliveries that wait for the same moment do not all come in
// that moment. The random number r is in [0,1). The result is never shorter than the wait, nor longer than MaxRetryAfter.
func SpreadBehind(wait time.Duration, r float64) time.Duration {
	return max(wait, min(wait+time.Duration(float64(wait)*Jitter*r), MaxRetryAfter))
}

// retryValues splits a line at its commas, and also gives each pair of neighbours, since a date may hold a comma.
func retryValues(line string) []string {
	parts := strings.Split(line, ",")
	values := parts
	for i := range parts[1:] {
		values = append(values, parts[i]+","+parts[i+1])
	}
	return values
}

var (
	secondsForm = regexp.MustCompile(`^\d+(\.\d*)?$`)
	universal   = regexp.MustCompile(`(?i) (gmt|utc|ut|z)$`)
)

// dateForms are the date formats of RFC 9110 §5.6.7 in their order, with the zone in digits, and the format of RFC 3339.
var dateForms = []string{
	"Mon, 2 Jan 2006 15:04:05 -0700", "Monday, 2-Jan-06 15:04:05 -0700", "Mon Jan 2 15:04:05 2006", time.RFC3339,
}

// retryValue is the wait that one value asks for; 0 for a value that is past, negative or unreadable.
func retryValue(value string, now time.Time) time.Duration {
	value = strings.Join(strings.Fields(value), " ")
	if secondsForm.MatchString(value) {
		return wholeSeconds(value)
	}
	value = universal.ReplaceAllString(value, " +0000")
	for _, form := range dateForms {
		if at, err := time.Parse(form, value); err == nil {
			return at.Sub(now)
		}
	}
	return 0
}

// wholeSeconds rounds up. A number too large to be represented is longer than any wait we grant.
func wholeSeconds(digits string) time.Duration {
	whole, fraction, _ := strings.Cut(digits, ".")
	seconds, err := strconv.ParseUint(whole, 10, 32)
	if err != nil {
		return MaxRetryAfter
	}
	if strings.Trim(fraction, "0") != "" {
		seconds++
	}
	return time.Duration(seconds) * time.Second
}
