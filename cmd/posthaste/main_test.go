package main

import (
	"os"
	"testing"

	"github.com/posthaste/posthaste/internal/pgtest"
)

// asProgram makes the test binary run as posthaste itself, so that tests can start, watch and kill the whole program.
const asProgram = "POSTHASTE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	pgtest.Main(m)
}
