package config_test

import (
	"errors"
	"fmt"
	"io/fs"
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
	parser, err := kong.New(&s, kong.Configuration(new(config.Files).YAML))
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
	const file = "listen: 127.0.0.1:1\ndata: /from/file\nhistory-retention: 24h\nallow-networks: [10.0.0.0/8, \"fd00::/8\"]\nmax-body: 2048\n"
	t.Setenv("POSTHASTE_LISTEN", "127.0.0.1:2")
	t.Setenv("POSTHASTE_DATA", "/from/environment")
	s, err := parse(t, file, "--listen", "127.0.0.1:3")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:3", s.Listen, "a flag wins")
	require.Equal(t, "/from/environment", s.Data, "then the environment")
	require.Equal(t, 24*time.Hour, s.HistoryRetention, "then the file")
	require.Equal(t, int64(2048), s.MaxBody)
	require.Equal(t, []string{"10.0.0.0/8", "fd00::/8"}, s.AllowNetworks)
	require.Equal(t, "127.0.0.1:8233", s.UIListen, "then the default")
}

func TestFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, want string }{
		"an unknown setting is refused by name": {"lisen: x\n", "lisen"},
		"what is not a map is refused":          {"- listen\n", "map of settings"},
		"a bad value is refused":                {"history-retention: soon\n", "history-retention"},
		"the file is named":                     {"lisen: x\n", "settings.yaml: line 1: unknown setting \"lisen\"; did you mean \"listen\"?"},
		"all that are unknown are named":        {"lisen: x\n\nlog_fromat: text\n", "line 3: unknown setting \"log_fromat\"; did you mean \"log-format\"?"},
		"underscores are not dashes":            {"# one\ndatabase_url: x\n", "line 2: unknown setting \"database_url\"; did you mean \"database-url\"?"},
		"nor variables settings":                {"POSTHASTE_MASTER_KEY: x\n", "did you mean \"master-key\"?"},
		"camels have no dashes":                 {"apiKey: x\n", "did you mean \"api-key\"?"},
		"nothing is near":                       {"tenants: x\n", "unknown setting \"tenants\""},
		"a name is there once":                  {"data: a\ndata: b\n", "line 2: data is set twice"},
		"a map is no value":                     {"listen:\n  a: b\n", "line 1: listen must be a single value or a list"},
		"what is not YAML is refused":           {"data: a\nkey: [\n", "is not YAML"},
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

	t.Run("nor does one about YAML itself", func(t *testing.T) {
		t.Parallel()
		for _, file := range []string{"api-key: *hunter2\n", "api-key: \"hunter2\n", "hunter2: {\n", "? [hunter2]\n: x\n", "- hunter2\n"} {
			_, err := parse(t, file)
			require.Error(t, err, file)
			require.NotContains(t, err.Error(), "hunter2")
			require.Contains(t, err.Error(), "settings.yaml: ")
		}
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
	require.NoError(t, config.API{APIKey: key, MaxBody: 1 << 20, BodyBudget: 2 << 20}.CheckGuarded())
	require.ErrorContains(t, config.API{APIKey: key, MaxBody: 1 << 20, BodyBudget: 1 << 20}.CheckGuarded(), "--body-budget")
	require.ErrorContains(t, config.API{APIKey: key, MaxBody: 1 << 20, MaxConnections: -1}.CheckGuarded(), "--max-connections")
	require.ErrorContains(t, config.API{Listen: "127.0.0.1:0", MaxBody: 1 << 20, MaxConnections: -1}.CheckLoopback(), "--max-connections")
	require.ErrorContains(t, config.Engine{TemporalListen: "127.0.0.1:0", UIListen: "127.0.0.1:0"}.Check(), "--history-retention")
	require.NoError(t, config.Store{}.Check())
	require.NoError(t, config.Store{DatabaseURL: "postgresql://h/d"}.Check())
	require.Error(t, config.Store{DatabaseURL: "mysql://h/d"}.Check())
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 16)
	for _, good := range []config.Metrics{
		{}, {MetricsListen: "127.0.0.1:0"}, {MetricsListen: ":9090", MetricsKey: key}, {MetricsListen: "localhost:9090", MetricsKey: key},
	} {
		require.NoError(t, good.Check())
	}
	require.ErrorContains(t, config.Metrics{MetricsListen: ":9090"}.Check(), "POSTHASTE_METRICS_KEY")
	require.ErrorContains(t, config.Metrics{MetricsListen: ":9090", MetricsKey: key[1:]}.Check(), "16 characters")
	require.ErrorContains(t, config.Metrics{MetricsListen: "9090", MetricsKey: key}.Check(), "host:port")
	require.NoError(t, config.Metrics{MetricsTenants: 1000}.Check())
	require.ErrorContains(t, config.Metrics{MetricsTenants: 1001}.Check(), "--metrics-tenants 1001")
	require.ErrorContains(t, config.Metrics{MetricsTenants: -1}.Check(), "--metrics-tenants -1")
}

// TestSecretsInMessages has a canary in each setting that may hold a secret, in a form that is refused.
func TestSecretsInMessages(t *testing.T) {
	const canary = "canary7f3a"
	for name, value := range map[string]string{
		"database-url": "mysql://user:" + canary + "@host/db",
		"proxy":        "http://user:" + canary + "@proxy:port",
	} {
		for _, value := range []string{value, canary, "ftp://" + canary + "@host", "http://user:" + canary + " @host", "://" + canary} {
			for from, parsed := range map[string]func() (settings, error){
				"command line": func() (settings, error) { return parse(t, "", "--"+name, value) },
				"file":         func() (settings, error) { return parse(t, name+": '"+value+"'\n") },
				"environment": func() (settings, error) {
					t.Setenv("POSTHASTE_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")), value)
					return parse(t, "")
				},
			} {
				s, err := parsed()
				if err == nil {
					err = s.Store.Check()
				}
				err = config.Hide(err)
				require.Error(t, err, "%s from the %s", name, from)
				require.NotContains(t, err.Error(), canary, "%s from the %s", name, from)
			}
		}
	}
	for _, key := range []string{canary, ""} {
		require.NotContains(t, config.API{APIKey: key, MaxBody: 1 << 20}.CheckGuarded().Error(), canary)
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.Hide(nil))
	plain := errors.New("--data: no such folder")
	require.Equal(t, plain, config.Hide(plain))
	for text, want := range map[string]string{
		`unexpected argument postgres://user:p@ss/w?rd@host/db`:   `unexpected argument postgres://***@host/db`,
		`--x: bad (from envar POSTHASTE_X="a\"b (c)") (see help)`: `--x: bad (from POSTHASTE_X) (see help)`,
		`get "http://user:secret@host/": refused`:                 `get "http://***@host/": refused`,
	} {
		err := fmt.Errorf("%s%w", text, fs.ErrNotExist)
		require.Equal(t, want+fs.ErrNotExist.Error(), config.Hide(err).Error())
		require.ErrorIs(t, config.Hide(err), fs.ErrNotExist)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "socks5", "socks5h"} {
		s, err := parse(t, "", "--proxy", scheme+"://user:secret@proxy.example:3128")
		require.NoError(t, err)
		require.Equal(t, "proxy.example:3128", s.Proxy.URL().Host)
	}
	s, err := parse(t, "")
	require.NoError(t, err)
	require.Nil(t, s.Proxy.URL())
}

// dev is a command that takes its database from the command line alone.
type dev struct {
	Config kong.ConfigFlag
	config.DevStore
}

func TestDevTakesItsDatabaseFromTheCommandLineAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(path, []byte("database-url: postgres://file\ndata: /from/file\n"), 0o600))
	for _, name := range []string{"POSTHASTE_DATABASE_URL", "TEMPORAL_ADDRESS", "TEMPORAL_CONFIG_FILE", "TEMPORAL_PROFILE"} {
		t.Setenv(name, "")
	}
	require.Empty(t, config.ServerSettings())
	t.Setenv("POSTHASTE_DATABASE_URL", "postgres://environment")
	require.Equal(t, []string{"POSTHASTE_DATABASE_URL"}, config.ServerSettings())

	var d dev
	var files config.Files
	parser, err := kong.New(&d, kong.Configuration(files.YAML))
	require.NoError(t, err)
	_, err = parser.Parse([]string{"--config", path})
	require.NoError(t, err)
	require.Empty(t, d.DatabaseURL)
	require.Equal(t, "/from/file", d.Data)
	require.Equal(t, []string{"database-url"}, files.Ignored)

	_, err = parser.Parse([]string{"--config", path, "--database-url", "postgres://named"})
	require.NoError(t, err)
	require.Equal(t, "postgres://named", d.DatabaseURL)
}

func TestTemporalClient(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	options, named, err := config.TemporalClient("posthaste")
	require.NoError(t, err)
	require.False(t, named)
	require.Equal(t, "localhost:7233", options.HostPort)

	t.Setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
	options, named, err = config.TemporalClient("posthaste")
	require.NoError(t, err)
	require.True(t, named)
	require.Equal(t, "temporal.example:7233", options.HostPort)
	require.Equal(t, "posthaste", options.Namespace)

	t.Setenv("TEMPORAL_NAMESPACE", "shared")
	options, _, err = config.TemporalClient("posthaste")
	require.NoError(t, err)
	require.Equal(t, "shared", options.Namespace)
}

func TestTemporalSettingsAreNotRepeated(t *testing.T) {
	const canary = "canary7f3a"
	profile := filepath.Join(t.TempDir(), "profile.toml")
	t.Setenv("TEMPORAL_CONFIG_FILE", profile)
	for _, text := range []string{
		"[profile.default]\napi_key = " + canary + "\n", "[profile.default]\napi_key = \"" + canary + "\n", canary,
		"[profile.default.tls]\nclient_key_data = \"" + canary + "\"\nclient_cert_data = \"x\"\n",
	} {
		require.NoError(t, os.WriteFile(profile, []byte(text), 0o600))
		_, _, err := config.TemporalClient("posthaste")
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), canary)
	}
	require.NoError(t, os.WriteFile(profile, nil, 0o600))
	t.Setenv("TEMPORAL_API_KEY", canary)
	for _, name := range []string{"TEMPORAL_TLS_CLIENT_KEY_DATA", "TEMPORAL_TLS_CLIENT_CERT_DATA", "TEMPORAL_TLS_SERVER_CA_CERT_DATA"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, canary)
			_, _, err := config.TemporalClient("posthaste")
			require.Error(t, err)
			require.NotContains(t, err.Error(), canary)
		})
	}
}

func TestRetentionIsChecked(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	require.NoError(t, config.Retention{}.Check(), "all is kept")
	require.NoError(t, config.Retention{Events: day, Payloads: time.Hour, Audit: 365 * day}.Check())
	require.NoError(t, config.Retention{Payloads: day}.Check())
	require.ErrorContains(t, config.Retention{Events: time.Minute}.Check(), "--retention 1m0s")
	require.ErrorContains(t, config.Retention{Audit: -day}.Check(), "--audit-retention")
	require.ErrorContains(t, config.Retention{Events: day, Payloads: 2 * day}.Check(), "--payload-retention 48h0m0s is longer than --retention 24h0m0s")
}
