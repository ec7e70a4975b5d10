package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

func TestHelpIsFoundByAllItsNames(t *testing.T) {
	t.Parallel()
	all, code := runHere(t, "--help")
	require.Zero(t, code)
	require.Contains(t, all, "posthaste dev --demo")
	for _, args := range []string{"help", "-h"} {
		output, code := runHere(t, args)
		require.Zero(t, code)
		require.Equal(t, all, output)
	}

	output, code := runHere(t)
	require.Equal(t, terminal.CodeUsage, code, "a script that lost its command has done nothing")
	require.Equal(t, all, output)

	of, code := runHere(t, "deliveries", "list", "--help")
	require.Zero(t, code)
	output, code = runHere(t, "help", "deliveries", "list")
	require.Zero(t, code)
	require.Equal(t, of, output)
	require.Contains(t, output, "--until")

	output, code = runHere(t, "help", "nonsense")
	require.Equal(t, terminal.CodeUsage, code)
	require.Len(t, lines(output), 1, output)
}

func TestVersionIsFoundByBothItsNames(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"version", "--version"} {
		output, code := runHere(t, args)
		require.Zero(t, code)
		require.Equal(t, "posthaste "+version()+"\n", output)
	}
}

func TestMisuseSaysWhereToReadOn(t *testing.T) {
	t.Parallel()
	for args, wants := range map[string][]string{
		"server --engine x": {`must be one of "embedded","external" but got "x"`, "(see posthaste server --help)"},
		"nonsense":          {"unexpected argument nonsense (see posthaste --help)"},
		"serve":             {`did you mean "server"?`, "(see posthaste --help)"},
		"help nonsense":     {"unexpected argument nonsense (see posthaste --help)"},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			output, code := runHere(t, strings.Fields(args)...)
			require.Equal(t, terminal.CodeUsage, code)
			require.Len(t, lines(output), 1, output)
			require.NotContains(t, output, `""`)
			for _, want := range wants {
				require.Contains(t, output, want)
			}
		})
	}
}

func TestDurationsOfAllFlagsKnowDays(t *testing.T) {
	t.Parallel()
	c := &cli{}
	parser, err := newParser(c, terminal.Streams{})
	require.NoError(t, err)
	_, err = parser.Parse([]string{"server", "--history-retention", "7d", "--dead-letter-hold", "2w"})
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, c.Server.HistoryRetention)
	require.Equal(t, 14*24*time.Hour, c.Server.DeadLetterHold)
}

func TestMigrateStatusTellsScripts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	output, code := runHere(t, "migrate", "status", "--data", folder)
	require.Equal(t, terminal.CodeConflict, code)
	require.Contains(t, output, "pending")
	require.Contains(t, output, "run posthaste migrate up")

	output, code = runHere(t, "migrate", "up", "--data", folder)
	require.Zero(t, code, output)
	require.Equal(t, 1, strings.Count(output, "00003_deliveries"), output)

	output, code = runHere(t, "migrate", "status", "--data", folder)
	require.Zero(t, code, output)
	require.NotContains(t, output, "pending")
}
