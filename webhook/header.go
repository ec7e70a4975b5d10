package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What is looked at in the headers of a stranger. One signature is 47 bytes
// (v1) or 92 (v1a), one per live secret: these leave room for every honest use.
const (
	maxSignatures      = 32
	maxSignatureBytes  = 128
	maxTimestampDigits = 12 // past the year 9999; milliseconds have 13
)

// envelope is what the three headers say, nothing of it believed yet.
type envelope struct {
	id         string
	timestamp  string
	signatures []signature
}

// signature is one entry of the webhook-signature header: version,value.
type signature struct {
	version string
	value   string
}

func readEnvelope(h http.Header) (envelope, error) {
	for _, name := range []string{HeaderID, HeaderTimestamp, HeaderSignature} {
		if h.Get(name) == "" {
			return envelope{}, fmt.Errorf("%w: %s", ErrMissingHeader, name)
		}
	}
	e := envelope{
		id:         h.Get(HeaderID),
		timestamp:  h.Get(HeaderTimestamp),
		signatures: parseSignatures(h.Get(HeaderSignature)),
	}
	return e, checkID(e.id)
}

// parseSignatures reads the first 32 entries of a space-separated list of
// version,value. What is too long or has no comma is skipped, not refused: a
// newer scheme may look different, and a known signature may stand beside it.
func parseSignatures(header string) []signature {
	var found []signature
	seen := 0
	for entry := range strings.SplitSeq(header, " ") {
		if seen == maxSignatures {
			break
		}
		seen++
		version, value, ok := strings.Cut(entry, ",")
		if ok && len(entry) <= maxSignatureBytes {
			found = append(found, signature{version: version, value: value})
		}
	}
	return found
}

// parseTimestamp takes the one plain spelling of a number only. The signature
// covers the text, so "+1" or "01" for 1 would be a second spelling of it.
func parseTimestamp(text string) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) > maxTimestampDigits || strconv.FormatInt(seconds, 10) != text {
		return time.Time{}, fmt.Errorf("%w: %s is not Unix seconds", ErrBadTimestamp, HeaderTimestamp)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
