package bench

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Machine describes the machine of a measurement. Unknown fields are empty or 0.
type Machine struct {
	CPU       string `json:"cpu"` // model
	Cores     int    `json:"cores"`
	MemoryMiB int    `json:"memory_mib"`
	Kernel    string `json:"kernel"`
}

// ThisMachine reads /proc.
func ThisMachine() Machine {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty where there is none
	memory, _, _ := strings.Cut(lineOf("/proc/meminfo", "MemTotal"), " ")
	kib, _ := strconv.Atoi(memory)
	return Machine{
		CPU: lineOf("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), MemoryMiB: kib >> 10,
		Kernel: strings.TrimSpace(runtime.GOOS + " " + string(kernel)),
	}
}

// lineOf returns the value of the first line with the name, in a file of lines "name: value".
func lineOf(file, name string) string {
	text, _ := os.ReadFile(file) //nolint:gosec // only the two above
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Versions are the versions of Go and of the parts of Temporal that are linked into this program.
func Versions() map[string]string {
	versions := map[string]string{"go": runtime.Version()}
	names := map[string]string{"go.temporal.io/server": "temporal", "go.temporal.io/sdk": "temporal_sdk"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, module := range info.Deps {
		if name := names[module.Path]; name != "" {
			versions[name] = module.Version
		}
	}
	return versions
}
