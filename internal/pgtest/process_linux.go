package pgtest

import "syscall"

// dieWithParent makes the kernel stop the child when we are gone, even by SIGKILL.
func dieWithParent(attr *syscall.SysProcAttr) {
	attr.Pdeathsig = syscall.SIGQUIT
}
