package main

import (
	"log/slog"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/engine"
)

// memoryShare is the part of the machine's or the container's memory above which collecting is worth any CPU.
const memoryShare = 0.7

// spendMemory trades memory for CPU in a process with an embedded Temporal. GOGC overrides it.
func spendMemory() {
	if config.GOGC() == "" {
		debug.SetGCPercent(engine.GCPercent)
	}
}

// limitMemory keeps a process below the memory of its machine or container, as far as collecting garbage can. GOMEMLIMIT
// overrides it.
func limitMemory(log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(memoryLimit))
	if err != nil {
		log.Warn("memory.unknown", "error", err, "hint", "GOMEMLIMIT can say what to keep below")
		return
	}
	log.Debug("memory.limited", "soft_limit_bytes", limit)
}

// memoryLimit returns the container's memory, or else the machine's.
func memoryLimit() (uint64, error) {
	return memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
}
