//go:build linux || darwin || freebsd

package main

import "syscall"

// diskSpace returns how many bytes the disk of a folder has, and how many of them are free for us.
func diskSpace(folder string) (free, size float64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, 0, err
	}
	block := float64(disk.Bsize)
	return float64(disk.Bavail) * block, float64(disk.Blocks) * block, nil
}
