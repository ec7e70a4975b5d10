package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/posthaste/posthaste/internal/terminal"
)

// childStopTimeout is how long a child may take to stop when it is told to, before it is killed.
const childStopTimeout = 20 * time.Second

// child is this program once more, as a process that runs one of the hidden commands. It does not outlive us: each
// watches its standard input, which ends with us, however we end.
type child struct {
	name    string
	command *exec.Cmd
	cancel  context.CancelFunc
	said    lastWords     // on standard error
	ended   chan struct{} // closed when it is gone
}

// startChild starts a child process with our environment and the given additions, and hands the JSON that it prints to
// hear.
func startChild(ctx context.Context, environment []string, hear func(*json.Decoder) error, name string, args ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &child{name: name, cancel: cancel, ended: make(chan struct{})}
	c.command = exec.CommandContext(ctx, program, append([]string{name}, args...)...) //nolint:gosec // it is this program
	c.command.Env = append(c.command.Environ(), environment...)
	c.command.Stderr = &c.said
	c.command.Cancel = func() error { return c.command.Process.Signal(syscall.SIGTERM) }
	c.command.WaitDelay = childStopTimeout
	if err := c.start(hear); err != nil {
		return nil, err
	}
	return c, nil
}

// word hears one value.
func word(says any) func(*json.Decoder) error {
	return func(output *json.Decoder) error { return output.Decode(says) }
}

func (c *child) start(hear func(*json.Decoder) error) error {
	defer func() {
		if c.command.Process == nil {
			c.cancel()
		}
	}()
	if _, err := c.command.StdinPipe(); err != nil { // kept open until it has ended
		return err
	}
	output, err := c.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.command.Start(); err != nil {
		return err
	}
	const most = 16 << 20
	unsaid := hear(json.NewDecoder(io.LimitReader(output, most)))
	go func() {
		defer close(c.ended)
		_ = c.command.Wait() // mostly by our own signal
	}()
	if unsaid != nil {
		c.stop()
		return fmt.Errorf("%s: %w", c.name, c.complaint())
	}
	return nil
}

// stop ends the child and returns when it is gone.
func (c *child) stop() {
	c.cancel()
	<-c.ended
}

// complaint is the last line that the child wrote, once it has ended.
func (c *child) complaint() error {
	text := bytes.TrimSpace(c.said.text)
	if len(text) == 0 {
		return errors.New("ended without a message")
	}
	return errors.New(string(text[bytes.LastIndexByte(text, '\n')+1:]))
}

// lastWords is a writer that keeps only the end of the text.
type lastWords struct{ text []byte }

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	const most = 2 << 10
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-most):]
	return len(p), nil
}

// endWithParent ends this process at once when its parent is gone: standard input ends with the parent.
func endWithParent(in io.Reader) {
	go func() {
		_, _ = io.Copy(io.Discard, in)
		os.Exit(terminal.CodeFailure)
	}()
}
