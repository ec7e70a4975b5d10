package main

import (
	"slices"

	"github.com/alecthomas/kong"

	"github.com/posthaste/posthaste/internal/terminal"
)

// helpCmd is --help as a command.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"Command, for example: deliveries list."`
}

// Run implements the command.
func (c *helpCmd) Run(parsed *kong.Context) error {
	_, err := terminal.Parse(parsed.Kong, append(slices.Clone(c.Command), "--help"))
	return err
}
