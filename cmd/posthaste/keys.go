package main

import (
	"fmt"

	"github.com/posthaste/posthaste/internal/keyring"
)

// keysCmd makes keys.
type keysCmd struct {
	New keysNewCmd `cmd:"" help:"Print a new master key for POSTHASTE_MASTER_KEY."`
}

type keysNewCmd struct{}

// Run implements the command.
func (keysNewCmd) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, keyring.New())
	return err
}
