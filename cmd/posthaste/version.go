package main

import (
	"fmt"
	"runtime/debug"

	"github.com/posthaste/posthaste/internal/terminal"
)

// release is set by the linker when a release is built: -ldflags "-X main.release=1.2.3".
var release string

// version returns the release, or the version of the source that the Go toolchain recorded.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(s terminal.Streams) error {
	_, err := fmt.Fprintln(s.Out, "posthaste "+version())
	return err
}
