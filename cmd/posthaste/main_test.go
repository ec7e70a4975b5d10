package main

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/posthaste/posthaste/internal/pgtest"
)

// asProgram makes the test binary run as posthaste itself, so that tests can start, watch and kill the whole program.
const asProgram = "POSTHASTE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	flag.Parse()
	overlapWaits()
	pgtest.Main(m)
}

// testsPerCPU is how many tests run at a time on each CPU. Most of them wait nearly all their time: for a process to start,
// for a retry, or a minute for Temporal to find that the process was killed which was making an attempt.
const testsPerCPU = 4

// overlapWaits sets -parallel, unless the command line does.
func overlapWaits() {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(testsPerCPU*runtime.GOMAXPROCS(0))) // fails for a text that is no number
	}
}
