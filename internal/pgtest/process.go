package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// stopTimeout bounds the wait for a server that was told to stop at once.
const stopTimeout = 10 * time.Second

// process is a running server with a goroutine that owns it.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
}

// startProcess starts cmd with its output in a log file, as an unprivileged user
// and bound to our own life.
func startProcess(cmd *exec.Cmd, logFile string) (*process, error) {
	out, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = unprivileged()
	dieWithParent(cmd.SysProcAttr)

	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.ended)
		defer func() { _ = out.Close() }()
		p.own(started)
	}()
	return p, <-started
}

// own starts the process and stays until it ends. The parent-death signal comes
// when the *thread* that forked is gone, not the process, so this goroutine must
// keep its thread for itself, and for as long as the server lives.
func (p *process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // ended by our own signal, mostly: not an error to report
	}
}

// stop ends the server without waiting for its clients and returns when it is gone.
func (p *process) stop() {
	if p.cmd.Process == nil {
		return
	}
	// PostgreSQL's "immediate shutdown": no final checkpoint, which a cluster
	// about to be deleted does not need.
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// unprivileged returns the attributes that make a child run as an ordinary user:
// none when we are one, else postgres or nobody.
func unprivileged() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: credential()}
}

var credential = sync.OnceValue(func() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32) // numbers on every Unix
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil // initdb will refuse, and says why
})
