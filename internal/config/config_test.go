package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/config"
)

// settings stands for a command with all groups of settings.
type settings struct {
	Config kong.ConfigFlag
	config.Log
	config.Store
	config.API
	config.Delivery
	config.Engine
}

// parse reads a command line. Tests that set the environment cannot be parallel.
func parse(t *testing.T, file string, args ...string) (settings, error) {
	t.Helper()
	var s settings
	parser, err := kong.New(&s, kong.Configuration(config.YAML))
	require.NoError(t, err)
	if file != "" {
		path := filepath.Join(t.TempDir(), "settings.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append([]string{"--config", path}, args...)
	}
	_, err = parser.Parse(args)
	return s, err
}

func TestPrecedence(t *testing.T) {
	const file = "listen: 127.0.0.1:1\ndata: /from/file\nretention: 24h\nallow-networks: [10.0.0.0/8, \"fd00::/8\"]\nmax-body: 2048\n"
	t.Setenv("POSTHASTE_LISTEN", "127.0.0.1:2")
	t.Setenv("POSTHASTE_DATA", "/from/environment")
	s, err := parse(t, file, "--listen", "127.0.0.1:3")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:3", s.Listen, "a flag wins")
	require.Equal(t, "/from/environment", s.Data, "then the environment")
	require.Equal(t, 24*time.Hour, s.Retention, "then the file")
	require.Equal(t, int64(2048), s.MaxBody)
	require.Equal(t, []string{"10.0.0.0/8", "fd00::/8"}, s.AllowNetworks)
	require.Equal(t, "127.0.0.1:8233", s.UIListen, "then the default")
}

func TestFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, want string }{
		"an unknown setting is refused by name": {"lisen: x\n", "lisen"},
		"what is not a map is refused":          {"- listen\n", "map of settings"},
		"a bad value is refused":                {"retention: soon\n", "retention"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tt.file)
			require.ErrorContains(t, err, tt.want)
		})
	}

	t.Run("values are taken as they are written, and empty ones are absent", func(t *testing.T) {
		t.Parallel()
		s, err := parse(t, "api-key: 12345678901234567890123\ndata:\nui-listen: null\n")
		require.NoError(t, err)
		require.Equal(t, "12345678901234567890123", s.APIKey)
		require.Equal(t, "./.posthaste", s.Data)
		require.Equal(t, "127.0.0.1:8233", s.UIListen)
	})

	t.Run("an error does not repeat the file", func(t *testing.T) {
		t.Parallel()
		_, err := parse(t, "hunter2hunter2hunter2")
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	})

	t.Run("an empty file is no settings", func(t *testing.T) {
		t.Parallel()
		_, err := parse(t, "\n")
		require.NoError(t, err)
	})
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "127.9.9.9:80", "[::1]:80", "localhost:80"} {
		require.NoError(t, config.Loopback("--listen", address))
	}
	for _, address := range []string{":80", "0.0.0.0:80", "[::]:80", "10.0.0.1:80", "example.com:80", "127.0.0.1", "", "[::ffff:10.0.0.1]:80"} {
		require.ErrorContains(t, config.Loopback("--listen", address), "--listen", address)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 16)
	require.NoError(t, config.API{APIKey: key, MaxBody: 1 << 20}.CheckGuarded())
	require.ErrorContains(t, config.API{MaxBody: 1 << 20}.CheckGuarded(), "POSTHASTE_API_KEY")
	require.ErrorContains(t, config.API{APIKey: key[1:], MaxBody: 1 << 20}.CheckGuarded(), "16 characters")
	require.ErrorContains(t, config.API{APIKey: key, MaxBody: 1}.CheckGuarded(), "--max-body")
	require.ErrorContains(t, config.API{APIKey: key, MaxBody: 1 << 20, MaxConnections: -1}.CheckGuarded(), "--max-connections")
	require.ErrorContains(t, config.API{Listen: "127.0.0.1:0", MaxBody: 1 << 20, MaxConnections: -1}.CheckLoopback(), "--max-connections")
	require.ErrorContains(t, config.Engine{TemporalListen: "127.0.0.1:0", UIListen: "127.0.0.1:0"}.Check(), "--retention")
	require.NoError(t, config.Store{}.Check())
	require.NoError(t, config.Store{DatabaseURL: "postgresql://h/d"}.Check())
	require.Error(t, config.Store{DatabaseURL: "mysql://h/d"}.Check())
}

func TestTemporalClient(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
	options, err := config.TemporalClient("posthaste")
	require.NoError(t, err)
	require.Equal(t, "temporal.example:7233", options.HostPort)
	require.Equal(t, "posthaste", options.Namespace)

	t.Setenv("TEMPORAL_NAMESPACE", "shared")
	options, err = config.TemporalClient("posthaste")
	require.NoError(t, err)
	require.Equal(t, "shared", options.Namespace)
}
