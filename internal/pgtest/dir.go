package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dirPrefix starts the name of every cluster's folder; the owner's process id
// follows, which is how a later process knows a folder that was left behind.
const dirPrefix = "pgtest-"

// makeDir creates a cluster's folder below parent, owned by the user that
// PostgreSQL runs as.
func makeDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, fmt.Sprintf("%s%d-*", dirPrefix, os.Getpid()))
	if err != nil {
		return "", err
	}
	return dir, giveAway(dir)
}

// removeOrphans removes the folders of clusters whose test process is gone, such
// as one that was killed and could not clean up.
func removeOrphans(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, dirPrefix+"*")) // the pattern is valid
	for _, dir := range dirs {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), dirPrefix+"%d-", &pid); err == nil && !alive(pid) {
			_ = os.RemoveAll(dir) // someone else's folder cannot be removed, and need not be
		}
	}
}

// alive says whether a process with this id exists. A process of another user
// answers EPERM and is alive.
func alive(pid int) bool {
	return syscall.Kill(pid, 0) != syscall.ESRCH
}

// writeFile writes a private file that PostgreSQL's programs can read.
func writeFile(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return giveAway(path)
}

// giveAway hands a file or folder to the user that PostgreSQL runs as, if that
// is not the user we are.
func giveAway(path string) error {
	attr := unprivileged()
	if attr.Credential == nil {
		return nil
	}
	return os.Chown(path, int(attr.Credential.Uid), int(attr.Credential.Gid))
}
