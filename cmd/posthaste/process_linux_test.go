package main

import "syscall"

// diesWithUs ends the programs that a test started when the test itself is killed.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
