package main

import (
	"log/slog"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/posthaste/posthaste/internal/config"
)

const (
	// gcPercent lets garbage grow to four times of what is in use. An embedded Temporal makes so much of it that Go's
	// default of 100 spends an eighth of all CPU on collecting it; what is in use is little.
	gcPercent = 400

	// memoryShare is the part of the machine's or the container's memory from which on collecting is worth any CPU.
	memoryShare = 0.7
)

// spendMemory trades memory for CPU in a process with an embedded Temporal. GOGC comes first.
func spendMemory() {
	if config.GOGC() == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// limitMemory keeps a process below what its machine or container has, for as long as collecting garbage can. GOMEMLIMIT
// comes first.
func limitMemory(log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(memoryLimit))
	if err != nil {
		log.Warn("the memory of this machine is not known; GOMEMLIMIT can say what to keep below", "error", err)
		return
	}
	log.Debug("memory", "soft_limit_bytes", limit)
}

// memoryLimit is the container's, or that of the machine.
func memoryLimit() (uint64, error) {
	return memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
}
