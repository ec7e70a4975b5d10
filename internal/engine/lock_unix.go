//go:build unix

package engine

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFolder takes the folder's lock and returns a function that releases it. The
// kernel releases it when the process ends in any way. The empty file stays and means
// nothing.
func lockFolder(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: the operator's own data folder
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := f.Chmod(0o600); err != nil { // of an older version's
		_ = f.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f.Close, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
