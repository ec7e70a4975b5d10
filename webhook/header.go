package webhook

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// These constants bound the work that a stranger's headers can cause. The
// longest signature with its label is 92 bytes (v1a), and there is one for
// each live secret: the bounds leave room for every honest use.
const (
	maxEntries         = 32
	maxEntryBytes      = 128
	maxTimestampDigits = 12 // past the year 9999; milliseconds have 13
)

// envelope holds the values of the headers, none of them verified yet.
type envelope struct {
	id         string
	timestamp  string    // as it was sent; "" where the scheme signs no time
	at         time.Time // the timestamp, parsed; zero where the scheme signs no time
	signatures [][]byte
}

func (s *scheme) readEnvelope(h http.Header) (envelope, error) {
	e := envelope{}
	var err error
	if e.id, err = s.readID(h); err != nil {
		return envelope{}, err
	}
	entries, err := s.readEntries(h)
	if err != nil {
		return envelope{}, err
	}
	if s.signsTime() {
		if e.timestamp, err = s.readTimestamp(h, entries); err != nil {
			return envelope{}, err
		}
		if e.at, err = parseTimestamp(e.timestamp); err != nil {
			return envelope{}, err
		}
	}
	e.signatures = s.parseSignatures(entries)
	return e, nil
}

// readID returns the id. It may be absent where the scheme does not sign it.
func (s *scheme) readID(h http.Header) (string, error) {
	id, lines := h.Get(HeaderID), len(h.Values(HeaderID))
	switch {
	case id == "" && s.signsID():
		return "", fmt.Errorf("%w: %s", ErrMissingHeader, HeaderID)
	case lines > 1:
		return "", fmt.Errorf("%w: %s is there %d times", ErrBadID, HeaderID, lines)
	}
	return id, checkID(id)
}

// readEntries returns the first 32 entries of the signature header, counted
// over all its lines.
func (s *scheme) readEntries(h http.Header) ([]string, error) {
	lines := h.Values(s.header)
	if strings.Join(lines, "") == "" {
		return nil, fmt.Errorf("%w: %s", ErrMissingHeader, s.header)
	}
	var entries []string
	for _, line := range lines {
		entries = append(entries, s.split(line)...)
		if len(entries) >= maxEntries {
			return entries[:maxEntries], nil
		}
	}
	return entries, nil
}

// split returns the entries of one line. The last entry is the unsplit rest of
// the line if it has too many.
func (s *scheme) split(line string) []string {
	if s.between == "" {
		return []string{line}
	}
	return strings.SplitN(line, s.between, maxEntries+1)
}

// readTimestamp returns the signed time: the entry of the signature header
// that holds it, or the header of its own. There must be exactly one.
func (s *scheme) readTimestamp(h http.Header, entries []string) (string, error) {
	found := h.Values(HeaderTimestamp)
	if s.time != "" {
		found = withPrefix(entries, s.time)
	}
	switch {
	case len(found) > 1:
		return "", fmt.Errorf("%w: it is there %d times", ErrBadTimestamp, len(found))
	case len(found) == 1 && found[0] != "":
		return found[0], nil
	case s.time != "":
		return "", fmt.Errorf("%w: %s has no %s", ErrBadTimestamp, s.header, s.time)
	}
	return "", fmt.Errorf("%w: %s", ErrMissingHeader, HeaderTimestamp)
}

// parseSignatures reads the entries that look like signatures. Anything else
// is skipped, not refused: a newer scheme may look different, and a known
// signature may stand beside it.
func (s *scheme) parseSignatures(entries []string) [][]byte {
	entries = slices.DeleteFunc(slices.Clone(entries), func(entry string) bool { return len(entry) > maxEntryBytes })
	var found [][]byte
	for _, text := range withPrefix(entries, s.label) {
		if signature, ok := s.encoding.read(text); ok {
			found = append(found, signature)
		}
	}
	return found
}

// withPrefix returns the rest of each entry that begins with the prefix.
func withPrefix(entries []string, prefix string) []string {
	var found []string
	for _, entry := range entries {
		if rest, ok := strings.CutPrefix(entry, prefix); ok {
			found = append(found, rest)
		}
	}
	return found
}

// parseTimestamp accepts only the one plain spelling of a number. The signature
// covers the text, so "+1" or "01" for 1 would be a second spelling of it.
func parseTimestamp(text string) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) > maxTimestampDigits || strconv.FormatInt(seconds, 10) != text {
		return time.Time{}, fmt.Errorf("%w: it is not Unix seconds", ErrBadTimestamp)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
