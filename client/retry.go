package client

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	firstWait = 500 * time.Millisecond // doubled for every further try
	longWait  = 10 * time.Second       // where doubling ends

	// maxRetryAfter is the longest Retry-After that the client waits for.
	// Beyond it the call fails: a goroutine that sleeps for an hour looks like
	// a goroutine that hangs.
	maxRetryAfter = time.Minute
)

// nextTry reports whether to retry after the given attempt, and the time to
// wait first: our own pause or the server's, whichever is longer. once is for
// calls that must not arrive twice.
func (c *Client) nextTry(attempt int, once bool, err error) (time.Duration, bool) {
	var failed *Error
	if attempt >= c.attempts || !errors.As(err, &failed) || !failed.mayPass() || once && !failed.undone() {
		return 0, false
	}
	if failed.RetryAfter > maxRetryAfter {
		return 0, false
	}
	return max(c.backoff(attempt), failed.RetryAfter), true
}

// backoff returns 0.5 s, 1 s, 2 s … up to 10 s, of which the second half is
// random: publishers that fail together must not retry together.
func (c *Client) backoff(attempt int) time.Duration {
	wait := longWait
	if shift := attempt - 1; shift < 16 { // more would overflow in the end
		wait = min(firstWait<<shift, longWait)
	}
	half := wait / 2
	return half + time.Duration(c.random()*float64(half))
}

// mayPass reports whether the failure is transient.
func (e *Error) mayPass() bool {
	switch e.Status {
	case 0, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// undone reports whether the server has certainly not acted: it was too busy to
// begin, as it said itself, and not a proxy in front of it, or there was no
// connection. Where it could not be finished (unavailable), it may have acted.
func (e *Error) undone() bool {
	var network *net.OpError
	if errors.As(e.cause, &network) {
		return network.Op == "dial"
	}
	return e.Status == http.StatusTooManyRequests && e.Code == CodeBusy
}

// retryAfter reads the header: seconds or an HTTP date (RFC 9110, section
// 10.2.3). Any other text, or a date in the past, counts as absent.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
