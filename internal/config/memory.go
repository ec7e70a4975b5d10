package config

import "os"

// GOGC returns the variable of the environment that sets the garbage collection of Go's runtime; empty if it is not set.
func GOGC() string { return os.Getenv("GOGC") }
