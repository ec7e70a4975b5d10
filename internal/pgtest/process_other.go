//go:build !linux

package pgtest

import "syscall"

// dieWithParent does nothing: only Linux can bind a child's life to ours. Elsewhere
// a killed test process leaves its server running.
func dieWithParent(*syscall.SysProcAttr) {}
