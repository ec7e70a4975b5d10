package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// Remote holds the flags that name a command's server, the operator, and the form of the output.
type Remote struct {
	URL    string `name:"url" env:"POSTHASTE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Address of the server (default ${default})."`
	APIKey string `name:"api-key" env:"POSTHASTE_API_KEY" placeholder:"KEY" help:"API key of the server. Prefer the environment variable."`
	Actor  string `name:"actor" env:"POSTHASTE_ACTOR" placeholder:"NAME" help:"Your name, for the audit (default: user@host)."`
	Output string `name:"output" short:"o" enum:"table,json" default:"table" help:"Output format: table or json."`
}

// operator is a client of a server on behalf of somebody at a terminal.
type operator struct {
	*client.Client
	answers *answers
	remote  *Remote
	s       terminal.Streams
	json    bool
}

// ProvideOperator makes the operator for the Run methods of commands that have a Remote.
func (r *Remote) ProvideOperator(s terminal.Streams) (*operator, error) {
	o := &operator{answers: newAnswers(), remote: r, s: s, json: r.Output == "json"}
	var err error
	o.Client, err = r.client(o.answers, client.WithRetryNotice(func(err error, wait time.Duration) {
		fmt.Fprintf(s.Err, "%s; trying again in %s\n", terminal.Plain(err), wait.Round(100*time.Millisecond))
	}))
	return o, err
}

func (r *Remote) client(a *answers, opts ...client.Option) (*client.Client, error) {
	actor := r.Actor
	if actor == "" {
		actor = terminal.Whoami()
	}
	opts = append(opts, client.WithActor(actor), client.WithHTTPClient(&http.Client{Transport: a, Timeout: answerTimeout}))
	c, err := client.New(r.URL, r.APIKey, opts...)
	if err != nil {
		return nil, terminal.Usage(err)
	}
	return c, nil
}

// answerTimeout is longer than the server takes to find out that something it needs does not answer.
const answerTimeout = 30 * time.Second

// maxArgument bounds the bytes that are read from a file or from standard input.
const maxArgument = 64 << 20

// argument returns the value of an argument: standard input for -, the content of a file for @file, else its text.
func argument(s terminal.Streams, text string) ([]byte, error) {
	name, isFile := strings.CutPrefix(text, "@")
	switch {
	case text == "-":
		return readBounded(s.In, "standard input")
	case isFile:
		return readFile(name)
	}
	return []byte(text), nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, terminal.Usage(fmt.Errorf("there is no file %s: create it first, or give the name of an existing file", name))
	}
	if err != nil {
		return nil, terminal.Usage(err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	return readBounded(file, name)
}

func readBounded(r io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxArgument+1))
	if err != nil {
		return nil, terminal.Usage(fmt.Errorf("read %s: %w", name, err))
	}
	if len(text) > maxArgument {
		return nil, terminal.Usage(fmt.Errorf("%s is longer than %d bytes", name, maxArgument))
	}
	return text, nil
}

// each tries all ids, prints a line for each that worked and complains about each that did not.
func each[T any](o *operator, ids []string, try func(id string) (*T, error), say func(T) string) error {
	done, codes := []json.RawMessage{}, []int{}
	for _, id := range ids {
		thing, err := try(id)
		if err != nil && len(ids) == 1 {
			return fmt.Errorf("%s: %w", id, err)
		}
		if err != nil {
			o.s.Complain(fmt.Errorf("%s: %w", id, err))
			codes = append(codes, terminal.CodeOf(err))
			continue
		}
		done = append(done, o.answers.orJSON(thing))
		if !o.json {
			fmt.Fprintln(o.s.Out, terminal.Printable(say(*thing)))
		}
	}
	var failed error
	if len(codes) > 0 {
		failed = terminal.Coded(fmt.Errorf("%d of %d failed", len(codes), len(ids)), terminal.Gravest(codes))
	}
	if !o.json {
		return failed
	}
	return errors.Join(failed, terminal.PrintJSON(o.s.Out, done))
}
