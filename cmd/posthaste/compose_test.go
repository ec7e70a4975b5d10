package main

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/worker"
	"github.com/posthaste/posthaste/workflows"
)

// These tests hold docker-compose.yml, .env.example and the Dockerfile to what the program and the images really read:
// nothing else notices a misspelt variable before somebody's deployment does.

// composeFile is the part of the Compose format that we use. Any other key is refused.
type composeFile struct {
	Name     string
	Services map[string]*composeService
	Configs  map[string]struct{ Content string }
	Volumes  map[string]struct{}
	Blocks   map[string]any `yaml:",inline"` // x-…
}

type composeService struct {
	Image       string
	Build       *composeBuild
	Entrypoint  []string
	Command     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Configs     []struct{ Source, Target string }
	Healthcheck composeHealth
	Restart     string

	Logging     struct{ Driver string }
	ReadOnly    bool          `yaml:"read_only"`
	CapDrop     []string      `yaml:"cap_drop"`
	SecurityOpt []string      `yaml:"security_opt"`
	MemLimit    string        `yaml:"mem_limit"`
	ShmSize     string        `yaml:"shm_size"`
	StopGrace   time.Duration `yaml:"stop_grace_period"`
}

type composeBuild struct {
	Context string
	Args    map[string]string
}

type composeHealth struct {
	Test              []string
	Interval, Timeout time.Duration
	StartPeriod       time.Duration `yaml:"start_period"`
	Retries           int
}

// composeVariable is ${NAME}, ${NAME:-default} or ${NAME:?message}; $$ is a dollar.
var composeVariable = regexp.MustCompile(`\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})`)

// composeValues are what an operator puts into .env. Each is so peculiar that it is found again wherever it ends up.
var composeValues = map[string]string{
	"POSTGRES_PASSWORD":        "secret-of-postgres",
	"POSTHASTE_API_KEY":        "secret-of-the-callers",
	"POSTHASTE_MASTER_KEY":     keyring.New(),
	"POSTHASTE_ALLOW_NETWORKS": "10.1.2.0/24,fd00::/8",
	"POSTHASTE_VERSION":        "1.2.3",
}

func readRepository(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}

// readCompose reads docker-compose.yml as it is with composeValues.
func readCompose(t *testing.T) *composeFile {
	t.Helper()
	return readComposeWith(t, composeValues)
}

func readComposeWith(t *testing.T, values map[string]string) *composeFile {
	t.Helper()
	text := composeVariable.ReplaceAllStringFunc(readRepository(t, "docker-compose.yml"), func(match string) string {
		parts := composeVariable.FindStringSubmatch(match)
		switch name, kind, standIn := parts[1], parts[2], parts[3]; {
		case match == "$$":
			return "$"
		case kind == "-" && values[name] == "":
			return standIn
		default:
			return values[name]
		}
	})
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	file := &composeFile{}
	require.NoError(t, decoder.Decode(file))
	return file
}

// ours are the services that run our program, by name.
func (f *composeFile) ours() map[string]*composeService {
	ours := maps.Clone(f.Services)
	maps.DeleteFunc(ours, func(_ string, s *composeService) bool { return s.Build == nil })
	return ours
}

// isOneShot tells services that end from services that stay.
func (s *composeService) isOneShot() bool { return s.Restart == "no" }

// script is what the service's command says in all.
func (s *composeService) script() string {
	return strings.Join(append(slices.Clone(s.Entrypoint), s.Command...), " ")
}

// moduleFile reads a file of a module that we build with, in the version that we build with.
func moduleFile(t *testing.T, module, name string) string {
	t.Helper()
	folder, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}

// moduleVersion is the version of a module in go.mod, without its v.
func moduleVersion(t *testing.T, module string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(readRepository(t, "go.mod"))
	require.NotNil(t, found, module)
	return found[1]
}

// captures is what the pattern's group matches in the text, each once.
func captures(pattern, text string) []string {
	found := map[string]bool{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func TestComposeBlocks(t *testing.T) {
	file := readCompose(t)
	require.Equal(t, "posthaste", file.Name)
	for name := range file.Blocks {
		require.True(t, strings.HasPrefix(name, "x-"), "unknown key %s", name)
	}
	for name, s := range file.Services {
		require.Regexp(t, `\n  # .+\n  `+name+`:\n`, readRepository(t, "docker-compose.yml"), "a comment says what it is for")
		for _, volume := range s.Volumes {
			require.Contains(t, file.Volumes, strings.Split(volume, ":")[0], name)
		}
		for _, c := range s.Configs {
			require.Contains(t, file.Configs, c.Source, name)
		}
	}
}

func TestComposeImages(t *testing.T) {
	exact := regexp.MustCompile(`^[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?$`)
	for name, s := range readCompose(t).Services {
		require.Regexp(t, exact, s.Image, name)
	}
	server := moduleVersion(t, "go.temporal.io/server")
	services := readCompose(t).Services
	require.Equal(t, "temporalio/server:"+server, services["temporal"].Image)
	require.Equal(t, "temporalio/admin-tools:"+server, services["temporal-schema"].Image)
	require.Equal(t, "temporalio/admin-tools:"+server, services["temporal-namespace"].Image)
	require.Equal(t, "temporalio/ui:"+moduleVersion(t, "github.com/temporalio/ui-server/v2"), services["temporal-ui"].Image)
}

// published is the host's address of each published port, by the service and its container's port.
func (f *composeFile) published(t *testing.T) map[string]string {
	t.Helper()
	published := map[string]string{}
	for name, s := range f.Services {
		for _, port := range s.Ports {
			cut := strings.LastIndex(port, ":")
			require.Positive(t, cut, port)
			published[name+port[cut:]] = port[:cut]
		}
	}
	return published
}

func TestComposePublishesOnLoopbackOnly(t *testing.T) {
	require.Equal(t, map[string]string{"api:8080": "127.0.0.1:8080", "ui:8080": "127.0.0.1:8233"},
		readCompose(t).published(t))
}

// temporalVariables are what the SDK's settings read.
func temporalVariables(t *testing.T) []string {
	t.Helper()
	return captures(`"(TEMPORAL_[A-Z_]+[A-Z])"`, moduleFile(t, "go.temporal.io/sdk/contrib/envconfig", "client_config_load.go"))
}

// variables are what a command line of ours reads.
func variables(t *testing.T, command *kong.Context) (names []string) {
	t.Helper()
	for _, level := range command.Selected().AllFlags(false) {
		for _, flag := range level {
			names = append(names, flag.Envs...)
		}
	}
	return append(names, temporalVariables(t)...)
}

// parse is what our program makes of a command line in the environment of the service.
func (s *composeService) parse(t *testing.T, args ...string) (*cli, *kong.Context) {
	t.Helper()
	c := &cli{}
	parser, err := newParser(c, terminal.Streams{})
	require.NoError(t, err)
	s.setenv(t, parser.Model)
	command, err := parser.Parse(args)
	require.NoError(t, err)
	return c, command
}

// setenv sets the variables of the service and unsets all others that we read.
func (s *composeService) setenv(t *testing.T, model *kong.Application) {
	t.Helper()
	all := temporalVariables(t)
	require.NoError(t, kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			all = append(all, flag.Envs...)
		}
		return next(nil)
	}))
	for _, name := range all {
		t.Setenv(name, s.Environment[name]) // puts the old value back when the test ends
		if _, set := s.Environment[name]; !set {
			require.NoError(t, os.Unsetenv(name))
		}
	}
}

func TestComposeSetsOnlyWhatWeRead(t *testing.T) {
	for name, s := range readCompose(t).ours() {
		t.Run(name, func(t *testing.T) {
			_, command := s.parse(t, s.Command...)
			for variable := range s.Environment {
				require.Contains(t, variables(t, command), variable)
			}
		})
	}
}

func TestComposeSetsAllThatWeNeed(t *testing.T) {
	services := readCompose(t).ours()
	require.ElementsMatch(t, []string{"api", "worker", "migrate"}, slices.Collect(maps.Keys(services)))
	t.Run("Migrate", func(t *testing.T) {
		c, _ := services["migrate"].parse(t, services["migrate"].Command...)
		requireDatabase(t, c.Migrate.Up.Store)
	})
	t.Run("API", func(t *testing.T) {
		c, _ := services["api"].parse(t, services["api"].Command...)
		requireNode(t, c.API.Store)
		require.NoError(t, c.API.CheckGuarded())
		require.Equal(t, composeValues["POSTHASTE_API_KEY"], c.API.APIKey)
	})
	t.Run("Worker", func(t *testing.T) {
		c, _ := services["worker"].parse(t, services["worker"].Command...)
		requireNode(t, c.Worker.Store)
		require.Len(t, c.Worker.AllowNetworks, 2)
	})
	t.Run("WorkerWithoutOptions", func(t *testing.T) {
		values := maps.Clone(composeValues)
		delete(values, "POSTHASTE_ALLOW_NETWORKS")
		s := readComposeWith(t, values).Services["worker"]
		c, _ := s.parse(t, s.Command...)
		require.Empty(t, c.Worker.AllowNetworks)
	})
}

// requireDatabase checks that the store is the Compose file's Postgres.
func requireDatabase(t *testing.T, store config.Store) {
	t.Helper()
	require.NoError(t, store.Check())
	address, err := url.Parse(store.DatabaseURL)
	require.NoError(t, err)
	postgres := readCompose(t).Services["postgres"].Environment
	require.Equal(t, url.UserPassword(postgres["POSTGRES_USER"], composeValues["POSTGRES_PASSWORD"]), address.User)
	require.Equal(t, "postgres:5432", address.Host)
	require.Equal(t, "/"+postgres["POSTGRES_DB"], address.Path)
}

// requireNode checks what api and worker need, with the environment of the service still set.
func requireNode(t *testing.T, store config.Store) {
	t.Helper()
	requireDatabase(t, store)
	_, err := masterKey(store)
	require.NoError(t, err)
	options, _, err := config.TemporalClient("")
	require.NoError(t, err)
	require.Equal(t, "temporal:7233", options.HostPort)
	require.Equal(t, config.TemporalAddress(), options.HostPort)
	require.Equal(t, workflows.Namespace, options.Namespace)
}

// The variables that images of others read: from the source of what is in them where that is a module of ours.
func foreignVariables(t *testing.T, image string) []string {
	t.Helper()
	const server, ui = "go.temporal.io/server", "github.com/temporalio/ui-server/v2"
	switch image, _, _ = strings.Cut(image, ":"); image {
	case "postgres": // section "Environment Variables" of the image's page, https://hub.docker.com/_/postgres
		return []string{"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS"}
	case "temporalio/server":
		return captures(`env "(\w+)"`, moduleFile(t, server, "common/config/config_template_embedded.yaml"))
	case "temporalio/admin-tools": // temporal-sql-tool and temporal, which reads the SDK's settings
		return append(captures(`EnvVar: +"(\w+)"`, moduleFile(t, server, "tools/sql/main.go")), temporalVariables(t)...)
	case "nginxinc/nginx-unprivileged":
		return nil
	case "temporalio/ui":
		return captures(`env "(\w+)"`, moduleFile(t, ui, "config/docker.yaml"))
	}
	require.Fail(t, "nobody knows what it reads", image)
	return nil
}

func TestComposeSetsOnlyWhatImagesRead(t *testing.T) {
	for name, s := range readCompose(t).Services {
		if s.Build != nil {
			continue
		}
		for variable := range s.Environment {
			require.Contains(t, foreignVariables(t, s.Image), variable, name)
		}
	}
}

func TestComposeConnectsTemporalToPostgres(t *testing.T) {
	services := readCompose(t).Services
	server, tools := services["temporal"].Environment, services["temporal-schema"].Environment
	role := services["postgres"].Environment["POSTGRES_USER"]
	require.Equal(t, []string{"postgres", "5432", role, composeValues["POSTGRES_PASSWORD"]},
		[]string{server["POSTGRES_SEEDS"], server["DB_PORT"], server["POSTGRES_USER"], server["POSTGRES_PWD"]})
	require.Equal(t, []string{"postgres", "5432", role, composeValues["POSTGRES_PASSWORD"]},
		[]string{tools["SQL_HOST"], tools["SQL_PORT"], tools["SQL_USER"], tools["SQL_PASSWORD"]})
	require.Equal(t, server["DB"], tools["SQL_PLUGIN"])
	template := moduleFile(t, "go.temporal.io/server", "common/config/config_template_embedded.yaml")
	require.Contains(t, template, fmt.Sprintf("%q", server["DB"]))
	for _, database := range []string{"temporal temporal", "temporal_visibility visibility"} {
		require.Contains(t, services["temporal-schema"].script(), "\nprepare "+database)
		require.Contains(t, template, fmt.Sprintf("default %q", strings.Fields(database)[0]))
		moduleFile(t, "go.temporal.io/server", "schema/postgresql/v12/"+strings.Fields(database)[1]+"/schema.sql")
	}
}

func TestComposeDynamicConfig(t *testing.T) {
	file := readCompose(t)
	mount := file.Services["temporal"].Configs[0]
	require.Equal(t, mount.Target, file.Services["temporal"].Environment["DYNAMIC_CONFIG_FILE_PATH"])
	var values map[string][]struct{ Value any }
	require.NoError(t, yaml.Unmarshal([]byte(file.Configs[mount.Source].Content), &values))
	require.NotEmpty(t, values)
	known := moduleFile(t, "go.temporal.io/server", "common/dynamicconfig/constants.go")
	for key, value := range values {
		require.Contains(t, known, fmt.Sprintf("%q", key))
		require.Len(t, value, 1, key)
	}
}

func TestComposeAddressOfAPI(t *testing.T) {
	file := readCompose(t)
	api := file.Services["api"]
	c, _ := api.parse(t, api.Command...)
	host, port, err := net.SplitHostPort(c.API.Listen)
	require.NoError(t, err)
	require.Equal(t, "0.0.0.0", host, "the loopback address of a container can be reached by nobody")
	require.Contains(t, file.published(t), "api:"+port)

	program := captures(`ENTRYPOINT \["(\S+)"\]`, readRepository(t, "Dockerfile"))[0]
	require.Equal(t, []string{"CMD", program}, api.Healthcheck.Test[:2])
	asked, _ := api.parse(t, api.Healthcheck.Test[2:]...)
	require.Equal(t, c.API.Listen, asked.Health.Listen)
	require.Greater(t, api.Healthcheck.Timeout, healthTimeout)
}

func TestComposeHealthOfWorker(t *testing.T) {
	worker := readCompose(t).Services["worker"]
	c, _ := worker.parse(t, worker.Command...)
	asked, _ := worker.parse(t, worker.Healthcheck.Test[2:]...)
	require.Equal(t, c.Worker.MetricsListen, asked.Health.Listen)
	require.NoError(t, c.Worker.Metrics.Check())
	require.Greater(t, worker.Healthcheck.Timeout, healthTimeout)
}

func TestComposeAddressOfUI(t *testing.T) {
	file := readCompose(t)
	ui := file.Services["temporal-ui"]
	template := moduleFile(t, "github.com/temporalio/ui-server/v2", "config/docker.yaml")
	port := captures(`port: {{ env "TEMPORAL_UI_PORT" \| default "(\d+)" }}`, template)[0]
	require.Contains(t, ui.Healthcheck.Test, "http://127.0.0.1:"+port+"/healthz")
	address := "http://" + file.published(t)["ui:8080"]
	require.Equal(t, address, ui.Environment["TEMPORAL_CORS_ORIGINS"])
	require.Equal(t, address, file.Services["api"].Environment["POSTHASTE_UI_URL"])
}

// TestComposeChecksTheNameOfUI: the Web UI asks for no credentials and answers under any name, so whoever reaches it has
// named this machine.
func TestComposeChecksTheNameOfUI(t *testing.T) {
	file := readCompose(t)
	require.Empty(t, file.Services["temporal-ui"].Ports)
	door := file.Services["ui"]
	require.Equal(t, "/etc/nginx/conf.d/default.conf", door.Configs[0].Target)
	servers := strings.Split(file.Configs[door.Configs[0].Source].Content, "server {\n")[1:]
	require.Len(t, servers, 2)
	require.Regexp(t, `listen 8080 default_server;\s+return 421;`, servers[0])
	require.NotContains(t, servers[0], "proxy_pass")
	require.Equal(t, []string{"127.0.0.1 localhost"}, inOrder(`server_name (.+);`, servers[1]))
	require.Contains(t, servers[1], "set $ui temporal-ui;")
	require.Contains(t, servers[1], "proxy_pass http://$ui:8080;")
	require.Contains(t, servers[1], "proxy_set_header Host $http_host;", "by which the UI knows its own pages")
}

func TestComposeTemporalAddress(t *testing.T) {
	services := readCompose(t).Services
	template := moduleFile(t, "go.temporal.io/server", "common/config/config_template_embedded.yaml")
	port := captures(`default "(\d+)" \(env "FRONTEND_GRPC_PORT"\)`, template)[0]
	require.Contains(t, services["temporal"].Healthcheck.Test, port)
	for name, s := range services {
		if address, ok := s.Environment["TEMPORAL_ADDRESS"]; ok {
			require.Equal(t, "temporal:"+port, address, name)
		}
	}
}

func TestComposeOrder(t *testing.T) {
	file := readCompose(t)
	awaited := map[string]bool{}
	for name, s := range file.Services {
		for other, how := range s.DependsOn {
			require.Contains(t, file.Services, other, name)
			awaited[other] = true
			want := "service_healthy"
			if file.Services[other].isOneShot() {
				want = "service_completed_successfully"
			}
			require.Equal(t, want, how.Condition, "%s after %s", name, other)
			require.True(t, file.Services[other].isOneShot() || file.Services[other].Healthcheck.Test != nil, other)
		}
	}
	for name, s := range file.Services {
		require.True(t, !s.isOneShot() || awaited[name], "nobody waits for %s", name)
	}
	file.requireNoCycle(t)
}

// requireNoCycle takes away what waits for nothing that is left, until nothing is left.
func (f *composeFile) requireNoCycle(t *testing.T) {
	t.Helper()
	left := maps.Clone(f.Services)
	for len(left) > 0 {
		before := len(left)
		maps.DeleteFunc(left, func(_ string, s *composeService) bool {
			return !slices.ContainsFunc(slices.Collect(maps.Keys(s.DependsOn)), func(other string) bool { return left[other] != nil })
		})
		require.Less(t, len(left), before, "services that wait for each other: %v", slices.Collect(maps.Keys(left)))
	}
}

func TestComposeHoldsNoSecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)pass|pwd|key|secret|token`)
	for name, s := range readCompose(t).Services {
		for variable, value := range s.Environment {
			if secret.MatchString(variable) {
				require.Contains(t, slices.Collect(maps.Values(composeValues)), value, "%s of %s", variable, name)
			}
			if address, err := url.Parse(value); err == nil && address.User != nil {
				password, _ := address.User.Password()
				require.Equal(t, composeValues["POSTGRES_PASSWORD"], password, "%s of %s", variable, name)
			}
		}
		for _, value := range composeValues { // where anybody who lists processes or images could read it
			require.NotContains(t, s.script(), value, name)
		}
	}
}

func TestComposeVariablesAreDocumented(t *testing.T) {
	text, example := readRepository(t, "docker-compose.yml"), readRepository(t, ".env.example")
	documented := captures(`(?m)^(\w+)=`, example)
	require.Equal(t, documented, captures(`\$\{(\w+)`, text))
	require.Equal(t, documented, slices.Sorted(maps.Keys(composeValues)))
	require.NotRegexp(t, `(?m)^\w+=.`, example, "an example value would be deployed")
	require.Equal(t, documented, slices.Sorted(slices.Values(append(
		captures(`\$\{(\w+):\?see .env.example\}`, text), captures(`\$\{(\w+):-\w*\}`, text)...))))
	for _, optional := range captures(`\$\{(\w+):-`, text) {
		require.Regexp(t, `\n# Optional\..+(\n# .+)*\n`+optional+`=\n`, example)
	}
	require.Equal(t, len(captures(`\$\{(\w+):-`, text)), strings.Count(example, "# Optional."))
}

func TestComposePreparesTheNamespace(t *testing.T) {
	script := readCompose(t).Services["temporal-namespace"].script()
	require.Equal(t, workflows.SearchAttributes(), inOrder(`--name (\w+) --type Keyword\b`, script))
	require.Len(t, workflows.SearchAttributes(), strings.Count(script, "--name "))
	require.Equal(t, []string{workflows.Namespace}, captures(`--namespace (\S+)`, script))
	require.Equal(t, 3, strings.Count(script, "--namespace "), "without one the tool takes the namespace default")
	retention, err := time.ParseDuration(captures(`--retention (\S+)`, script)[0])
	require.NoError(t, err)
	require.Equal(t, worker.Retention, retention)
}

// inOrder is what the pattern's group matches in the text.
func inOrder(pattern, text string) (found []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

func TestComposeStopsGently(t *testing.T) {
	services := readCompose(t).Services
	require.Greater(t, services["worker"].StopGrace, worker.StopTimeout)
	for _, name := range []string{"api", "worker"} {
		require.Greater(t, services[name].StopGrace, stopTimeout, name)
	}
}

func TestComposeConfinesServices(t *testing.T) {
	for name, s := range readCompose(t).Services {
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.NotEmpty(t, s.MemLimit, name)
		require.Equal(t, "local", s.Logging.Driver, name)
		require.Contains(t, []string{"no", "unless-stopped"}, s.Restart, name)
		require.Equal(t, s.Build != nil, s.ReadOnly, name)
		if name != "postgres" { // starts as root to own its volume, and then gives that up
			require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		}
	}
}

func TestDockerfile(t *testing.T) {
	text := readRepository(t, "Dockerfile")
	golang := captures(`(?m)^go (\S+)$`, readRepository(t, "go.mod"))[0]
	bases := captures(`(?m)^FROM (?:--platform=\S+ )?(\S+)`, text)
	require.Len(t, bases, 2)
	require.Regexp(t, `^golang:`+regexp.QuoteMeta(golang)+`-[a-z]+$`, bases[0])
	require.Equal(t, "scratch", bases[1])
	require.Contains(t, text, "-X main.release=$VERSION")
	require.Regexp(t, `(?m)^USER [1-9]\d*:[1-9]\d*$`, text)

	listen := captures(`POSTHASTE_LISTEN=0\.0\.0\.0:(\d+)`, text)
	require.Equal(t, listen, captures(`(?m)^EXPOSE (\d+)$`, text))
	require.Equal(t, []string{"/data"}, captures(`POSTHASTE_DATA=(\S+)`, text))
	require.Regexp(t, `\bUSER=\w+ \\\n +HOME=/data\n`, text, "os/user needs both where there is no /etc/passwd")
	require.Regexp(t, `(?m)^COPY .*--chown=65532:65532 .* /data$`, text)
	require.Contains(t, strings.Split(readRepository(t, ".dockerignore"), "\n"), ".env")
}
