package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// grammar is a command line with a command.
type grammar struct {
	Version kong.VersionFlag

	Wait struct {
		For  time.Duration `required:""`
		Unit string        `enum:",hours,days" default:""`
	} `cmd:""`
}

// parse parses a command line and returns what it printed.
func parse(t *testing.T, args ...string) (g grammar, command *kong.Context, printed string, err error) {
	t.Helper()
	var out bytes.Buffer
	parser, err := terminal.Parser(&g, terminal.Streams{Out: &out, Err: &out}, kong.Vars{"version": "posthaste 1.2.3"})
	require.NoError(t, err)
	command, err = terminal.Parse(parser, args)
	return g, command, out.String(), err
}

func TestParse(t *testing.T) {
	t.Parallel()

	t.Run("a command", func(t *testing.T) {
		t.Parallel()
		g, command, printed, err := parse(t, "wait", "--for", "1d12h")
		require.NoError(t, err)
		require.Equal(t, "wait", command.Command())
		require.Equal(t, 36*time.Hour, g.Wait.For)
		require.Empty(t, printed)
	})

	for args, want := range map[string]string{
		"--help": "Usage: posthaste <command>", "wait --help": "Usage: posthaste wait", "--version": "posthaste 1.2.3\n",
	} {
		t.Run(args+" is answered, though the command line is not complete", func(t *testing.T) {
			t.Parallel()
			_, command, printed, err := parse(t, strings.Fields(args)...)
			require.NoError(t, err)
			require.Nil(t, command)
			require.Contains(t, printed, want)
		})
	}

	for args, want := range map[string]string{
		"wait":                      "missing flags: --for=DURATION (see posthaste wait --help)",
		"wait --for 2x":             `"2x" is not a duration such as 90s, 15m, 2h, 3d or 2w (see posthaste wait --help)`,
		"wait --for 1s --unit week": `--unit must be one of "hours","days" but got "week" (see posthaste wait --help)`,
		"waiting":                   `unexpected argument waiting, did you mean "wait"? (see posthaste --help)`,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			_, command, printed, err := parse(t, strings.Fields(args)...)
			require.ErrorContains(t, err, want)
			require.Equal(t, terminal.CodeUsage, terminal.CodeOf(err))
			require.Nil(t, command)
			require.Empty(t, printed)
		})
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	refusal := &client.Error{Status: 404, Code: client.CodeNotFound, Detail: "there is no such delivery"}
	for want, err := range map[int]error{
		0: nil, terminal.CodeFailure: errors.Join(errors.New("one\ntwo"), errors.New("three\x1b[31m")), terminal.CodeUsage: terminal.Usage(errors.New("no")),
		terminal.CodeNotFound: fmt.Errorf("dlv_1: %w", refusal), terminal.CodeConflict: terminal.Coded(context.Canceled, terminal.CodeConflict),
	} {
		var out bytes.Buffer
		require.Equal(t, want, terminal.Streams{Err: &out}.Fail(err))
		if err == nil {
			require.Empty(t, out.String())
			continue
		}
		require.Equal(t, 1, strings.Count(out.String(), "\n"), out.String())
		require.True(t, strings.HasPrefix(out.String(), "posthaste: "), out.String())
		require.NotContains(t, out.String(), "\x1b")
	}
}

func TestGravest(t *testing.T) {
	t.Parallel()
	order := []int{terminal.CodeUnavailable, terminal.CodeFailure, terminal.CodeUsage, terminal.CodeNotFound, terminal.CodeConflict}
	for i := range order {
		require.Equal(t, order[i], terminal.Gravest(order[i:]))
	}
}
