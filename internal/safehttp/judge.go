package safehttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"github.com/posthaste/posthaste/models"
)

// judge says whether a status is success: 2xx and nothing else.
func judge(status int) (models.ErrorClass, string) {
	words := fmt.Sprintf("answered %d", status)
	if text := http.StatusText(status); text != "" {
		words += " " + text
	}
	switch {
	case status >= 200 && status <= 299:
		return "", ""
	case status >= 300 && status <= 399:
		return models.ErrorRedirect, words + "; only 2xx is success and redirects are not followed"
	default:
		return models.ErrorStatus, words + "; only 2xx is success"
	}
}

// failed names what went wrong when no answer came. It never repeats the URL, which may carry a token.
func failed(err error, watch *stopwatch, r models.Request) models.Exchange {
	x := models.Exchange{Timing: watch.stop()}
	x.ErrorClass, x.Error = classify(err, watch.stage(), r)
	return x
}

func classify(err error, at stage, r models.Request) (models.ErrorClass, string) {
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		return models.ErrorBlocked, blocked.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return models.ErrorDNS, fmt.Sprintf("the host name %s does not resolve", dns.Name)
	}
	if isTimeout(err) {
		return models.ErrorTimeout, fmt.Sprintf("no answer within %s (%s)", r.Timeout, at)
	}
	if words, ok := tlsFailure(err, at); ok {
		return models.ErrorTLS, "no trusted TLS connection: " + words
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return models.ErrorConnect, fmt.Sprintf("no connection (%s): %s", at, errno)
	}
	if at < stageSending {
		return models.ErrorConnect, fmt.Sprintf("no connection (%s)", at)
	}
	return models.ErrorProtocol, fmt.Sprintf("no usable HTTP answer: the connection was closed or its bytes are not HTTP (%s)", at)
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

func tlsFailure(err error, at stage) (string, bool) {
	if verify, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return verify.Err.Error(), true
	}
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return record.Msg, true
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return alert.Error(), true
	}
	return "the handshake broke off", at == stageTLS
}
