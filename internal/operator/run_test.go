package operator

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

const (
	testKey = "an-api-key-for-the-tests"

	// longest bounds each command of a test, and each wait for its output.
	longest = time.Minute
)

// run runs a command line of a program that has the operators' commands alone.
func run(ctx context.Context, args []string, s terminal.Streams) int {
	parser, err := terminal.Parser(&struct{ Commands }{}, s)
	if err != nil {
		return s.Fail(err)
	}
	command, err := terminal.Parse(parser, args)
	if command != nil {
		command.BindTo(ctx, (*context.Context)(nil))
		err = command.Run(s)
	}
	return s.Fail(err)
}

// runHere runs a command line and returns what it printed and its exit code.
func runHere(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	var b buffer
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	code = run(ctx, args, terminal.Streams{Out: &b, Err: &b})
	return b.String(), code
}

// buffer collects the output of a command that another goroutine runs.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// lines splits output.
func lines(output string) []string {
	var all []string
	for scanner := bufio.NewScanner(strings.NewReader(output)); scanner.Scan(); {
		all = append(all, scanner.Text())
	}
	return all
}

// freeAddress is an address nobody listens on at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
