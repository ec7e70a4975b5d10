package localhost_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/localhost"
)

func TestIs(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:0", "127.1.2.3:80", "::1", "[::1]", "[::1]:8080", "::ffff:127.0.0.1",
	} {
		require.True(t, localhost.Is(host), host)
	}
	for _, host := range []string{
		"", ":8080", "0.0.0.0:8080", "[::]:8080", "10.0.0.1", "localhost.example", "127.0.0.1.example:80", "example", "LOCALHOST.", "2130706433",
	} {
		require.False(t, localhost.Is(host), host)
	}
}
