package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/posthaste/posthaste/internal/localhost"
)

// maxDeadLetterHold is half a year, because an open workflow costs little, but not nothing.
const maxDeadLetterHold = 183 * 24 * time.Hour

// Log holds the level and the form of the log, which goes to standard error.
type Log struct {
	Level  slog.Level `name:"log-level" env:"POSTHASTE_LOG_LEVEL" default:"info" help:"Lowest level to log: debug, info, warn or error."`
	Format string     `name:"log-format" env:"POSTHASTE_LOG_FORMAT" enum:"text,json" default:"text" help:"Log format: text or json."`
}

// The forms of a log.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// Store names the database of events, subscriptions and deliveries.
type Store struct {
	DatabaseURL string `name:"database-url" env:"POSTHASTE_DATABASE_URL" placeholder:"URL" help:"Postgres for all data, postgres://user:password@host/database. Default: a SQLite file in the data folder."`
	Data        string `name:"data" env:"POSTHASTE_DATA" default:"./.posthaste" placeholder:"DIR" help:"Folder for the files of SQLite and the embedded Temporal (default ${default})."`
	MasterKey   string `name:"master-key" env:"POSTHASTE_MASTER_KEY" placeholder:"ID:KEY" help:"Master keys for the signing secrets, id:base64,… The first key encrypts, all keys decrypt. Create one with: posthaste master-key new. Prefer the environment variable."`
}

// DevStore is Store for dev, which must not touch a server's database because a variable happens to be set.
type DevStore struct {
	DatabaseURL string `name:"database-url" commandline:"" placeholder:"URL" help:"Postgres for events and deliveries, instead of a SQLite file in the data folder. Only the command line sets it: POSTHASTE_DATABASE_URL and the settings file are for servers, and dev ignores them."`
	Data        string `name:"data" env:"POSTHASTE_DATA" default:"./.posthaste" placeholder:"DIR" help:"Folder for the files of SQLite and the embedded Temporal, and for the master key (default ${default})."`
	MasterKey   string `name:"master-key" env:"POSTHASTE_MASTER_KEY" placeholder:"ID:KEY" help:"Master keys that decrypt existing signing secrets, id:base64,… With --database-url the first key also encrypts; otherwise dev's key in the data folder encrypts."`
}

// ServerSettings lists the variables in the environment that are for a server, or for an external Temporal, and that dev
// ignores.
func ServerSettings() []string {
	names := []string{"POSTHASTE_DATABASE_URL", "TEMPORAL_ADDRESS", "TEMPORAL_CONFIG_FILE", "TEMPORAL_PROFILE"}
	return slices.DeleteFunc(names, func(name string) bool { return os.Getenv(name) == "" })
}

// SQLitePath is the file of the store when there is no DatabaseURL.
func (s Store) SQLitePath() string { return filepath.Join(s.Data, "posthaste.db") }

// MasterKeyPath is the file in which dev stores its own key.
func (s Store) MasterKeyPath() string { return filepath.Join(s.Data, "master.key") }

// API holds the settings of the HTTP API.
type API struct {
	Listen  string `name:"listen" env:"POSTHASTE_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address of the API (default ${default}). Port 0 selects a free port."`
	APIKey  string `name:"api-key" env:"POSTHASTE_API_KEY" placeholder:"KEY" help:"API key that callers send as Authorization: Bearer KEY; at least 16 characters. Prefer the environment variable."`
	MaxBody int64  `name:"max-body" env:"POSTHASTE_MAX_BODY" default:"1048576" placeholder:"BYTES" help:"Maximum size of a request body (default ${default})."`

	BodyBudget int64 `name:"body-budget" env:"POSTHASTE_BODY_BUDGET" default:"0" placeholder:"BYTES" help:"Maximum bytes of request bodies in memory at a time; further requests get 429. Webhooks to sources can use half of it. 0: 64 MiB, or twice --max-body if that is more."`

	MaxConnections int `name:"max-connections" env:"POSTHASTE_MAX_CONNECTIONS" default:"4096" placeholder:"N" help:"Maximum number of connections to the API at a time, including idle ones (default ${default}); further connections wait until one is closed. 0: no limit."`
}

// minAPIKey is the least length of an API key, so that it cannot be guessed.
const minAPIKey = 16

// CheckGuarded refuses to serve without a key, or with a key that can be guessed.
func (a API) CheckGuarded() error {
	return errors.Join(a.checkKey(), a.checkLimits())
}

func (a API) checkKey() error {
	if a.APIKey == "" {
		return errors.New("an API key is needed: set POSTHASTE_API_KEY (posthaste dev needs none)")
	}
	if len(a.APIKey) < minAPIKey {
		return fmt.Errorf("POSTHASTE_API_KEY is shorter than %d characters", minAPIKey)
	}
	return nil
}

// CheckLoopback checks the settings of a server without a key: it must listen on an address of this machine only.
func (a API) CheckLoopback() error {
	return errors.Join(Loopback("--listen", a.Listen), a.checkLimits())
}

func (a API) checkLimits() error {
	const smallest, largest = 1 << 10, 64 << 20
	if a.MaxBody < smallest || a.MaxBody > largest {
		return fmt.Errorf("--max-body %d is not between %d and %d bytes", a.MaxBody, smallest, largest)
	}
	if a.BodyBudget != 0 && a.BodyBudget < 2*a.MaxBody {
		return fmt.Errorf("--body-budget %d is less than twice --max-body, %d bytes", a.BodyBudget, a.MaxBody)
	}
	if a.MaxConnections < 0 {
		return fmt.Errorf("--max-connections %d is negative", a.MaxConnections)
	}
	return nil
}

// Loopback refuses an address that other machines could reach.
func Loopback(flag, address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%s %q is not host:port", flag, address)
	}
	if localhost.Is(address) {
		return nil
	}
	return fmt.Errorf("%s %s can be reached from other machines; use 127.0.0.1, or posthaste server with a key", flag, address)
}

// Delivery holds the settings of deliveries.
type Delivery struct {
	Proxy         Proxy    `name:"proxy" env:"POSTHASTE_PROXY" placeholder:"URL" help:"Proxy for all deliveries: http, https or socks5. Default: no proxy, whatever the environment says."`
	AllowNetworks []string `name:"allow-networks" env:"POSTHASTE_ALLOW_NETWORKS" placeholder:"CIDR|HOST" help:"Non-public networks and hosts to which deliveries are allowed, for example 10.0.0.0/8, hooks.internal.example or *.internal.example."`

	DeliveryMode string            `name:"delivery-mode" env:"POSTHASTE_DELIVERY_MODE" enum:"auto,child,inline,grouped" default:"auto" help:"Which workflows there are: one for each event and one for each delivery (child); one for each event, which makes the first attempts at subscribers that answer fast, and one for each delivery that these do not settle (inline); one for all events that wait, and one for each such delivery (grouped); child while all tenants keep up, grouped for a tenant that is behind, and inline for the others meanwhile (auto). Inline and grouped need far less work, but a delivery that succeeds at once has no workflow of its own."`
	TenantModes  map[string]string `name:"tenant-delivery-mode" env:"POSTHASTE_TENANT_DELIVERY_MODE" placeholder:"TENANT=MODE;…" help:"Delivery mode of single tenants, if it differs. The setting of a tenant (posthaste tenants set) comes first."`

	DeadLetterHold time.Duration `name:"dead-letter-hold" env:"POSTHASTE_DEAD_LETTER_HOLD" default:"168h" help:"Time for which the workflow of an exhausted delivery stays open for redeliver or cancel; 0s closes it at once. After that it can still be redelivered."`
}

// Proxy is the address of a proxy. It may hold a password, so no error repeats it. The zero value is none.
type Proxy struct{ url *url.URL }

// URL returns the proxy's URL; nil without a proxy.
func (p Proxy) URL() *url.URL { return p.url }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Proxy) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil || parsed.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, parsed.Scheme) {
		return errors.New("not a URL with http, https or socks5, such as http://user:password@proxy.example:3128; " +
			"special characters in the password must be percent-encoded")
	}
	p.url = parsed
	return nil
}

// Mode is the delivery mode of a tenant.
func (d Delivery) Mode(tenant string) string {
	if mode, ok := d.TenantModes[tenant]; ok {
		return mode
	}
	return d.DeliveryMode
}

// Check refuses settings that make no sense.
func (d Delivery) Check() error {
	for tenant, mode := range d.TenantModes {
		if !slices.Contains([]string{"auto", "child", "inline", "grouped"}, mode) {
			return fmt.Errorf("--tenant-delivery-mode %s=%s: the modes are auto, child, inline and grouped", tenant, mode)
		}
	}
	if d.DeadLetterHold < 0 || d.DeadLetterHold > maxDeadLetterHold {
		return fmt.Errorf("--dead-letter-hold %s is not between 0s and %s", d.DeadLetterHold, maxDeadLetterHold)
	}
	return nil
}

// Engine holds the settings of the embedded Temporal.
type Engine struct {
	TemporalListen   string        `name:"temporal-listen" env:"POSTHASTE_TEMPORAL_LISTEN" default:"127.0.0.1:7233" placeholder:"ADDR" help:"Address (gRPC) of the embedded Temporal (default ${default}). It asks for no credentials."`
	UIListen         string        `name:"ui-listen" env:"POSTHASTE_UI_LISTEN" default:"127.0.0.1:8233" placeholder:"ADDR" help:"Address of the Temporal Web UI (default ${default}). It asks for no credentials."`
	HistoryRetention time.Duration `name:"history-retention" env:"POSTHASTE_HISTORY_RETENTION" default:"72h" help:"Time for which Temporal keeps the history of a closed workflow."`
}

// Check refuses addresses that other machines can reach, because the embedded Temporal asks for no credentials, and a
// retention of histories below an hour.
func (e Engine) Check() error {
	var short error
	if e.HistoryRetention < time.Hour {
		short = fmt.Errorf("--history-retention %s is below 1h", e.HistoryRetention)
	}
	return errors.Join(short, Loopback("--temporal-listen", e.TemporalListen), Loopback("--ui-listen", e.UIListen))
}

// Retention says for how long data are kept.
type Retention struct {
	Events   time.Duration `name:"retention" env:"POSTHASTE_RETENTION" default:"720h" help:"Time for which an event is kept, with its deliveries, attempts and idempotency key, after the last change of them (default ${default}). What is open or held is kept in any case. 0s: for ever."`
	Payloads time.Duration `name:"payload-retention" env:"POSTHASTE_PAYLOAD_RETENTION" default:"0s" help:"Time for which the data of events, and the headers and answers of attempts, are kept, if that is shorter. Such an event cannot be redelivered. 0s: as long as the event."`
	Audit    time.Duration `name:"audit-retention" env:"POSTHASTE_AUDIT_RETENTION" default:"0s" help:"Time for which entries of the audit are kept. 0s: for ever."`
}

// minRetention gives an operator who mistook the unit time to notice.
const minRetention = time.Hour

// Check refuses what would remove data that somebody still looks at.
func (r Retention) Check() error {
	for _, flag := range []struct {
		name string
		time time.Duration
	}{{"--retention", r.Events}, {"--payload-retention", r.Payloads}, {"--audit-retention", r.Audit}} {
		if flag.time != 0 && flag.time < minRetention {
			return fmt.Errorf("%s %s is neither 0s nor at least %s", flag.name, flag.time, minRetention)
		}
	}
	if r.Events != 0 && r.Payloads > r.Events {
		return fmt.Errorf("--payload-retention %s is longer than --retention %s", r.Payloads, r.Events)
	}
	return nil
}

// mostMetricsTenants keeps the number of series in the range that Prometheus takes without harm.
const mostMetricsTenants = 1000

// Metrics holds the settings of the address of its own that a process has for its metrics and probes.
type Metrics struct {
	MetricsListen string `name:"metrics-listen" env:"POSTHASTE_METRICS_LISTEN" placeholder:"ADDR" help:"Address for /metrics, /healthz and /readyz alone. On an address of this machine it asks for no key, elsewhere /metrics asks for --metrics-key. Default: none; the API shows its metrics to those who hold the scope stats:read."`
	MetricsKey    string `name:"metrics-key" env:"POSTHASTE_METRICS_KEY" placeholder:"KEY" help:"Key that opens /metrics on --metrics-listen as Authorization: Bearer KEY; at least 16 characters. Prefer the environment variable."`

	MetricsTenants int `name:"metrics-tenants" env:"POSTHASTE_METRICS_TENANTS" default:"0" placeholder:"COUNT" help:"Show counters by tenant, for so many tenants: the first that this process meets; the rest share the label other. At most 1000. Default: 0, no metric names a tenant."`
}

// Check refuses metrics without a key on an address that other machines can reach, and a key that can be guessed.
func (m Metrics) Check() error {
	switch {
	case m.MetricsTenants < 0 || m.MetricsTenants > mostMetricsTenants:
		return fmt.Errorf("--metrics-tenants %d is not between 0 and %d", m.MetricsTenants, mostMetricsTenants)
	case m.MetricsListen == "":
		return nil
	case m.MetricsKey != "" && len(m.MetricsKey) < minAPIKey:
		return fmt.Errorf("POSTHASTE_METRICS_KEY is shorter than %d characters", minAPIKey)
	}
	if _, _, err := net.SplitHostPort(m.MetricsListen); err != nil {
		return fmt.Errorf("--metrics-listen %q is not host:port", m.MetricsListen)
	}
	if m.MetricsKey == "" && !localhost.Is(m.MetricsListen) {
		return fmt.Errorf("--metrics-listen %s can be reached from other machines; set POSTHASTE_METRICS_KEY", m.MetricsListen)
	}
	return nil
}

// Links holds the URL of the Web UI of an external Temporal.
type Links struct {
	UIURL string `name:"ui-url" env:"POSTHASTE_UI_URL" placeholder:"URL" help:"Address of the Temporal Web UI, for the links in the API's answers."`
}

// IsPostgres reports whether url names a Postgres database.
func IsPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// Check refuses a database that is not supported.
func (s Store) Check() error {
	if s.DatabaseURL != "" && !IsPostgres(s.DatabaseURL) {
		return errors.New("POSTHASTE_DATABASE_URL must start with postgres://")
	}
	return nil
}
