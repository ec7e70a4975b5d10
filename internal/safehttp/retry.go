package safehttp

import (
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
)

// broken are the ways of a connection to refuse or to end.
var broken = []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE}

func isBroken(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && slices.Contains(broken, errno)
}

// leftAlone is what net/http says of a stream that the receiver has not begun to process: one above the last that a
// GOAWAY names, whatever its code (RFC 9113 §6.8), or one that was refused (§8.7). It has no type for that; the tests go
// over each of the sentences.
var leftAlone = []string{
	"http2: Transport: cannot retry err [http2: Transport received Server's graceful shutdown GOAWAY]",
	"http2: Transport received GOAWAY from server ErrCode:",
}

// unprocessed reports whether the receiver says that it did nothing with the request, so that sending it again is safe
// although it has been written.
func unprocessed(err error) bool {
	words := err.Error()
	return slices.ContainsFunc(leftAlone, func(s string) bool { return strings.HasPrefix(words, s) }) ||
		strings.HasPrefix(words, "http2: Transport: cannot retry err [stream error: ") && strings.Contains(words, "; REFUSED_STREAM; received from peer]")
}

// worthAnother reports whether a second try at once may do better, given that nothing of the request was written: the
// connection was refused or reset, or a kept connection turned out to be dead. The verdicts of the guard, the resolver and
// the certificates do not change in a moment, and a timeout has used up the time.
func worthAnother(err error, reused bool) bool {
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return isBroken(err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	return reused && !isTimeout(err) && !isBlocked(err)
}

// exhausted are the ways of this machine to be out of something. EADDRNOTAVAIL is not among them: it also stands for
// an IPv6 address on a machine without IPv6, which waiting does not mend.
var exhausted = []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}

// isOurs reports whether the failure is not the receiver's.
func isOurs(err error) bool {
	if _, ok := errors.AsType[*ourError](err); ok {
		return true
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && slices.Contains(exhausted, errno)
}

func isBlocked(err error) bool {
	_, ok := errors.AsType[*blockedError](err)
	return ok
}
