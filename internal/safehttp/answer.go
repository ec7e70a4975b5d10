package safehttp

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/posthaste/posthaste/models"
)

// answered keeps the bounded part of an answer. A body that stops coming does not change the verdict: the status line
// is the receiver's answer.
func answered(response *http.Response, watch *stopwatch) models.Exchange {
	body, err := readBody(response)
	x := models.Exchange{
		Status: response.StatusCode,
		Header: keptHeader(response.Header),
		Cut:    len(body) > models.MaxResponse || err != nil,
		Body:   keptBody(body),
		Timing: watch.stop(),
	}
	x.ErrorClass, x.Error = judge(response.StatusCode)
	return x
}

// readBody reads one byte more than is kept. The body of a 101 is the bare connection, which knows no timeout of ours.
func readBody(response *http.Response) ([]byte, error) {
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(response.Body, models.MaxResponse+1))
}

// keptBody cuts to the limit and replaces each byte that is not UTF-8 by one of the same length.
func keptBody(body []byte) []byte {
	return bytes.ToValidUTF8(body[:min(len(body), models.MaxResponse)], []byte("?"))
}

// decisive are the headers that we act on or explain by: they are kept first.
var decisive = []string{"Retry-After", "Location"}

// keptHeader keeps header lines up to the limit: the decisive ones, then by name. A line that does not fit is left out.
func keptHeader(header http.Header) http.Header {
	kept, size := http.Header{}, 0
	names := slices.Sorted(maps.Keys(header))
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(decisive, name) })
	for _, name := range slices.Concat(decisive, names) {
		for _, value := range header[name] {
			line := len(name) + len(value) + len(": \r\n")
			if size+line > models.MaxResponse {
				continue
			}
			size += line
			kept[name] = append(kept[name], strings.ToValidUTF8(value, "?"))
		}
	}
	return kept
}
