package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const (
	repository = "../.."
	ourPath    = "github.com/posthaste/posthaste"

	// oldestGo is a release of the oldest Go that client and webhook compile with. The go command fetches it.
	oldestGo = "go1.24.9"
)

// importer is a program of somebody else who uses all public packages.
const importer = `package main

import (
	"fmt"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/receivers"
)

func main() {
	c, err := client.New("https://posthaste.example", "")
	fmt.Println(c, err, webhook.Profiles(), receivers.Names(), durationpb.New(0))
}
`

const importerMod = `module example.com/importer

go 1.24

require google.golang.org/protobuf v1.34.2
`

// Whoever imports the public packages keeps the go line and the versions of their own module, requires nothing but
// the two modules, and may build with the oldest Go that these promise.
func TestImportersKeepTheirVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(importer), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(importerMod), 0o600))
	env := []string{"GOMODCACHE=" + filepath.Join(t.TempDir(), "modules"), "GOPROXY=" + proxies(t, pack(t, "v0.1.0"))}

	goRun(t, "go", dir, env, "mod", "tidy")
	require.Equal(t, `module example.com/importer

go 1.24

require (
	github.com/posthaste/posthaste/client v0.1.0
	github.com/posthaste/posthaste/webhook v0.1.0
	google.golang.org/protobuf v1.34.2
)
`, read(t, filepath.Join(dir, "go.mod")))
	goRun(t, oldGo(t), dir, env, "build", "-o", os.DevNull, ".")
}

// The public modules pass their tests with the oldest Go that they promise, and use nothing of the library that is newer.
func TestPublicModulesWorkWithTheOldestGo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"client", "webhook"} {
		dir := filepath.Join(repository, name)
		goRun(t, "go", dir, nil, "vet", "./...")
		goRun(t, oldGo(t), dir, nil, "test", "./...")
	}
}

// "go install" takes the program from a module proxy, where no go.work is, and refuses a go.mod with replacements. The
// modules have a version made of their content, so that what the module cache keeps of them is never out of date.
func TestProgramIsInstalledFromModules(t *testing.T) {
	t.Parallel()
	version := "v0.0.0-tree." + contentOf(t)
	bin := t.TempDir()
	cache := goEnv(t, "GOMODCACHE")
	t.Cleanup(func() { forget(t, cache, version) })
	goRun(t, "go", t.TempDir(), []string{"GOBIN=" + bin, "GOPROXY=" + proxies(t, pack(t, version))},
		"install", ourPath+"/cmd/posthaste@"+version)
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "posthaste"), "version").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), version)
}

// pack makes a module proxy of the three modules as they are in the working tree.
func pack(t *testing.T, version string) string {
	t.Helper()
	proxy := t.TempDir()
	for _, name := range []string{"", "client", "webhook"} {
		path := strings.TrimSuffix(ourPath+"/"+name, "/")
		mod := read(t, filepath.Join(repository, name, "go.mod"))
		mod = strings.NewReplacer("/client v0.1.0", "/client "+version, "/webhook v0.1.0", "/webhook "+version).Replace(mod)
		at := filepath.Join(proxy, path, "@v")
		require.NoError(t, os.MkdirAll(at, 0o700))
		for suffix, text := range map[string]string{
			"/list": version, "/" + version + ".mod": mod, "/" + version + ".info": `{"Version":"` + version + `"}`,
		} {
			require.NoError(t, os.WriteFile(at+suffix, []byte(text), 0o600))
		}
		packed, err := os.Create(filepath.Join(at, version+".zip"))
		require.NoError(t, err)
		require.NoError(t, zip.Create(packed, module.Version{Path: path, Version: version}, filesOf(t, name, mod)))
		require.NoError(t, packed.Close())
	}
	return proxy
}

// treeFile is a file of the working tree, as package zip takes it; go.mod is as it is packed.
type treeFile struct{ path, disk string }

func (f treeFile) Path() string                 { return f.path }
func (f treeFile) Lstat() (os.FileInfo, error)  { return os.Lstat(f.disk) }
func (f treeFile) Open() (io.ReadCloser, error) { return os.Open(f.disk) }

// filesOf lists a module's files, which are those that git keeps; package zip leaves out the modules within.
func filesOf(t *testing.T, name, mod string) []zip.File {
	t.Helper()
	dir := filepath.Join(repository, name)
	// The clone may belong to another user.
	list := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = dir
	out, err := list.Output()
	require.NoError(t, err)
	packedMod := filepath.Join(t.TempDir(), "go.mod")
	require.NoError(t, os.WriteFile(packedMod, []byte(mod), 0o600))
	var files []zip.File
	for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		disk := filepath.Join(dir, path)
		if path == "go.mod" {
			disk = packedMod
		}
		if _, err := os.Lstat(disk); err == nil { // git still lists a file that was just deleted
			files = append(files, treeFile{path, disk})
		}
	}
	return files
}

// contentOf is a name for what the working tree holds.
func contentOf(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	for _, file := range filesOf(t, "", read(t, filepath.Join(repository, "go.mod"))) {
		content, err := file.Open()
		require.NoError(t, err)
		sum.Write([]byte(file.Path()))
		_, err = io.Copy(sum, content)
		require.NoError(t, err)
		require.NoError(t, content.Close())
	}
	return "h" + hex.EncodeToString(sum.Sum(nil))[:12]
}

// forget takes the packed modules out of the module cache again.
func forget(t *testing.T, cache, version string) {
	t.Helper()
	for _, path := range []string{ourPath, ourPath + "/client", ourPath + "/webhook"} {
		found, err := filepath.Glob(filepath.Join(cache, "cache", "download", path, "@v", version+".*"))
		require.NoError(t, err)
		for _, each := range append(found, filepath.Join(cache, path+"@"+version)) {
			require.NoError(t, os.RemoveAll(each))
		}
	}
}

// proxies are the packed modules, what this machine has already, and where it gets the rest.
func proxies(t *testing.T, packed string) string {
	t.Helper()
	return "file://" + packed + ",file://" + filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download") + "," + goEnv(t, "GOPROXY")
}

// oldGo is the go command of the oldest release that may build the public modules.
func oldGo(t *testing.T) string {
	t.Helper()
	root := goRun(t, "go", t.TempDir(), []string{"GOTOOLCHAIN=" + oldestGo}, "env", "GOROOT")
	return filepath.Join(strings.TrimSpace(root), "bin", "go")
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(goRun(t, "go", t.TempDir(), nil, "env", name))
}

// goRun runs a go command outside of every workspace, and gives what it prints.
func goRun(t *testing.T, program, dir string, env []string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Dir = dir
	command.Env = append(append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw", "GONOSUMDB="+ourPath), env...)
	out, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		require.NoError(t, err, "%s %s\n%s%s", program, strings.Join(args, " "), out, failed.Stderr)
	}
	require.NoError(t, err)
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
