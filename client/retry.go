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

	// The longest Retry-After we sit out. Beyond it the caller is better told:
	// a goroutine asleep for an hour looks like one that hangs.
	maxRetryAfter = time.Minute
)

// nextTry says whether to try again after the given attempt, and how long to
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

// backoff is 0.5 s, 1 s, 2 s … up to 10 s, of which the second half is left to
// chance: many publishers cut off together shall not come back together.
func (c *Client) backoff(attempt int) time.Duration {
	wait := longWait
	if shift := attempt - 1; shift < 16 { // more would overflow in the end
		wait = min(firstWait<<shift, longWait)
	}
	half := wait / 2
	return half + time.Duration(c.random()*float64(half))
}

// mayPass tells the failures that a later try may not meet.
func (e *Error) mayPass() bool {
	switch e.Status {
	case 0, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// undone reports that the server has certainly not acted: it said so itself,
// not a proxy before it, or there was no connection to send anything on.
func (e *Error) undone() bool {
	var network *net.OpError
	if errors.As(e.cause, &network) {
		return network.Op == "dial"
	}
	refused := e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests
	return refused && (e.Code == CodeUnavailable || e.Code == CodeBusy)
}

// retryAfter reads the header: seconds or an HTTP date (RFC 9110, section
// 10.2.3). What is neither, or past, counts as absent.
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
