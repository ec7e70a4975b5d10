package receivers

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// AcceptEncoding lists the content codings that a body may have, for the header
// of that name in the answer to [ErrEncoding] (RFC 9110, section 15.5.16).
const AcceptEncoding = "gzip, deflate, identity"

// maxCodings bounds the number of codings that may be applied to one body.
const maxCodings = 4

// decoders holds the decompressors by content coding (RFC 9110, section 8.4.1).
var decoders = map[string]func(*bufio.Reader) (io.Reader, error){
	"gzip":    openGzip,
	"x-gzip":  openGzip,
	"deflate": openDeflate,
}

// unpack removes the content codings from a body, the last applied first. The
// content of each layer may have limit bytes: without a bound for every layer,
// a small body could keep a reader busy for a very long time.
func unpack(body []byte, codings []string, limit int64) ([]byte, error) {
	if len(codings) == 0 || len(body) == 0 {
		return body, nil
	}
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("%w: more than %d lie on top of each other", ErrEncoding, maxCodings)
	}
	var layer io.Reader = bytes.NewReader(body)
	for _, name := range slices.Backward(codings) {
		open := decoders[name]
		if open == nil {
			return nil, fmt.Errorf("%w: %.16q is not one of %s", ErrEncoding, name, AcceptEncoding)
		}
		opened, err := open(bufio.NewReader(layer))
		if err != nil {
			return nil, broken(name, err)
		}
		layer = &bounded{from: opened, left: limit}
	}
	plain, err := io.ReadAll(layer)
	if err != nil {
		return nil, broken(strings.Join(codings, ", "), err)
	}
	return plain, nil
}

func broken(coding string, err error) error {
	if errors.Is(err, ErrTooLarge) {
		return fmt.Errorf("%w when it is decompressed", ErrTooLarge)
	}
	return fmt.Errorf("%w: the body is not whole, or not %.64s", ErrEncoding, coding)
}

// codingsOf returns the codings in the order in which they were applied.
func codingsOf(h http.Header) []string {
	var names []string
	for _, line := range h["Content-Encoding"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && name != "identity" {
				names = append(names, name)
			}
		}
	}
	return names
}

// bounded is a reader that fails with ErrTooLarge beyond a number of bytes.
type bounded struct {
	from io.Reader
	left int64
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

func openGzip(from *bufio.Reader) (io.Reader, error) { return gzip.NewReader(from) }

// openDeflate reads the zlib format, which the coding means (RFC 1950), and the
// bare deflate data that some senders use (RFC 1951), which never begin like
// the zlib format.
func openDeflate(from *bufio.Reader) (io.Reader, error) {
	head, err := from.Peek(2)
	if err != nil {
		return nil, err
	}
	var opened io.Reader = flate.NewReader(from)
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		if opened, err = zlib.NewReader(from); err != nil {
			return nil, err
		}
	}
	return &complete{opened, from}, nil
}

// complete is a reader that refuses bytes after the end of the data, which
// would be lost.
type complete struct {
	io.Reader
	rest *bufio.Reader
}

var errRest = errors.New("more behind the end")

// Read implements [io.Reader].
func (w *complete) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	switch _, more := w.rest.Peek(1); {
	case more == nil:
		return n, errRest
	case !errors.Is(more, io.EOF):
		return n, more
	}
	return n, err
}
