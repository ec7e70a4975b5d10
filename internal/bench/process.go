package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// userHZ is the unit of CPU times in /proc, fixed for all of Linux' programs.
const userHZ = 100

// usage holds the CPU time and the bytes that processes have used so far, and the memory that they hold.
type usage struct {
	cpu      time.Duration
	written  int64            // bytes written to a disk; for a family, the bytes of its log
	resident int64            // bytes; 0 for a family, whose members share much of it
	counts   map[string]int64 // what else a family has counted, by name
}

func (u usage) minus(before usage) usage {
	left := usage{cpu: u.cpu - before.cpu, written: u.written - before.written, resident: u.resident, counts: map[string]int64{}}
	for name, n := range u.counts {
		if earlier, ok := before.counts[name]; ok {
			left.counts[name] = n - earlier
		}
	}
	return left
}

// process is measured under one name: a single process, or a family with all its children, like Postgres.
type process struct {
	name string
	pid  int
	work func() (Work, error) // of a family, by its own account; nil: it is a single process
}

// usage reads /proc. It fails where there is none, and for processes of other users.
func (p process) usage() (usage, error) {
	total, err := usageOf(p.pid, p.work != nil)
	if err != nil {
		return usage{}, err
	}
	if p.work == nil {
		total.written, err = writtenBy(p.pid)
		return total, err
	}
	work, err := p.work()
	if err != nil {
		return usage{}, err
	}
	total.resident, total.written, total.counts = 0, work.Written, work.Counts
	for _, child := range childrenOf(p.pid) {
		u, err := usageOf(child, true)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has ended: the parent's own numbers have it by now, or will have
		}
		if err != nil {
			return usage{}, err
		}
		total.cpu += u.cpu
	}
	return total, nil
}

// usageOf returns the usage of one process; reaped adds the CPU time of its children that have ended.
func usageOf(pid int, reaped bool) (usage, error) {
	fields, err := stat(pid)
	if err != nil {
		return usage{}, err
	}
	ticks := fields.number(14) + fields.number(15)
	if reaped {
		ticks += fields.number(16) + fields.number(17)
	}
	return usage{
		cpu:      time.Duration(ticks) * time.Second / userHZ,
		resident: fields.number(24) * int64(os.Getpagesize()),
	}, nil
}

// statFields are the fields of /proc/PID/stat from the third on: the second is a name that may hold spaces.
type statFields []string

// number returns a field as a number, by its position in proc(5); 0 for a text.
func (f statFields) number(field int) int64 {
	if field-3 >= len(f) {
		return 0
	}
	n, _ := strconv.ParseInt(f[field-3], 10, 64)
	return n
}

func stat(pid int) (statFields, error) {
	text, err := readProc(pid, "stat")
	if err != nil {
		return nil, err
	}
	_, rest, found := strings.Cut(text[max(0, strings.LastIndex(text, ")")):], " ")
	if !found {
		return nil, fmt.Errorf("/proc/%d/stat is not as proc(5) says", pid)
	}
	return strings.Fields(rest), nil
}

func writtenBy(pid int) (int64, error) {
	text, err := readProc(pid, "io")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, "\nwrite_bytes: ")
	line, _, _ := strings.Cut(rest, "\n")
	return strconv.ParseInt(line, 10, 64)
}

// childrenOf lists the processes whose parent it is.
func childrenOf(pid int) (children []int) {
	const parent = 4
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	for _, file := range files {
		child := number(filepath.Base(filepath.Dir(file)))
		if fields, err := stat(child); err == nil && fields.number(parent) == int64(pid) {
			children = append(children, child)
		}
	}
	return children
}

func readProc(pid int, file string) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	return string(text), err
}

// meter reads the resource usage of the processes, as far as it can be read.
type meter []process

func (m meter) read() map[string]usage {
	all := map[string]usage{}
	for _, p := range m {
		if u, err := p.usage(); err == nil {
			all[p.name] = u
		}
	}
	return all
}

// since returns the usage since an earlier reading.
func (m meter) since(before map[string]usage) map[string]usage {
	used := m.read()
	for name, now := range used {
		if then, ok := before[name]; ok {
			used[name] = now.minus(then)
		} else {
			delete(used, name)
		}
	}
	return used
}
