package safehttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"unicode"

	"github.com/posthaste/posthaste/models"
)

// maxWords bounds what a stranger's certificate or alert adds to a sentence, in bytes.
const maxWords = 300

// judge says whether a status is success: 2xx and nothing else.
func judge(status int) (models.ErrorClass, string) {
	words := answeredWith(status)
	switch {
	case status >= 200 && status <= 299:
		return "", ""
	case status >= 300 && status <= 399:
		return models.ErrorRedirect, words + "; only 2xx is success and redirects are not followed"
	default:
		return models.ErrorStatus, words + "; only 2xx is success"
	}
}

func answeredWith(status int) string {
	return strings.TrimSpace(fmt.Sprintf("answered %d %s", status, http.StatusText(status)))
}

// failed names what went wrong when no answer came. It never repeats the URL, which may carry a token.
func (c *Client) failed(attempt context.Context, err error, watch *stopwatch, r Request) models.Exchange {
	x := models.Exchange{Timing: watch.stop()}
	x.ErrorClass, x.Error = c.classify(attempt, err, watch.stage(), r)
	if watch.twice() {
		x.Error += "; tried twice"
	}
	return x
}

func (c *Client) classify(attempt context.Context, err error, at stage, r Request) (models.ErrorClass, string) {
	if token, ok := errors.AsType[*tokenError](err); ok {
		return token.class, token.words
	}
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		return models.ErrorBlocked, blocked.Error()
	}
	if attempt.Err() != nil {
		return models.ErrorTimeout, fmt.Sprintf("no answer within %s (%s)", r.Timeout, at)
	}
	if isTimeout(err) {
		return models.ErrorTimeout, c.gaveUp(at)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return models.ErrorDNS, fmt.Sprintf("the host name %s %s", dns.Name, dnsFault(dns))
	}
	if words, ok := tlsFailure(err, at); ok {
		return models.ErrorTLS, "no trusted TLS connection: " + bounded(words)
	}
	return classifyBroken(err, at)
}

// classifyBroken is about connections that were not made, or ended.
func classifyBroken(err error, at stage) (models.ErrorClass, string) {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return models.ErrorConnect, fmt.Sprintf("no connection (%s): %s", at, errno)
	}
	if at < stageSending {
		return models.ErrorConnect, fmt.Sprintf("no connection (%s)", at)
	}
	return models.ErrorProtocol, fmt.Sprintf("no usable HTTP answer: the connection was closed or its bytes are not HTTP (%s)", at)
}

// gaveUp names the stage whose own limit ran out before the total did.
func (c *Client) gaveUp(at stage) string {
	if limit := c.limits.limit(at); limit > 0 {
		return fmt.Sprintf("gave up after %s (%s)", limit, at)
	}
	return fmt.Sprintf("the connection timed out (%s)", at)
}

func dnsFault(err *net.DNSError) string {
	if err.IsNotFound {
		return "does not resolve"
	}
	return "could not be resolved"
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

// tlsFailure also finds alerts that come after the handshake: with TLS 1.3 the receiver refuses our certificate by one.
func tlsFailure(err error, at stage) (string, bool) {
	if verify, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return verify.Err.Error(), true
	}
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return record.Msg, true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return op.Op + ": " + op.Err.Error(), true
	}
	return "the handshake broke off", at == stageTLS
}

// bounded makes a stranger's words fit for a sentence: printable and short.
func bounded(words string) string {
	words = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, words)
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}
