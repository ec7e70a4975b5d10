package config

import "os"

// GOGC is what the environment says about garbage collection to Go's runtime, empty for nothing.
func GOGC() string { return os.Getenv("GOGC") }
