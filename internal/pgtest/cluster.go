package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	superuser = "postgres"

	// startTimeout bounds the wait for a started server to accept connections;
	// it usually takes a fraction of a second.
	startTimeout = 30 * time.Second

	// commandTimeout bounds every helper program (initdb, createdb, dropdb).
	commandTimeout = 60 * time.Second
)

// cluster is one running PostgreSQL server and its folder.
type cluster struct {
	bin      string // folder of the programs
	dir      string // temporary folder: data, socket, log, password
	port     int
	password string
	server   *process
	created  atomic.Int64 // numbers the databases
}

// startCluster creates a cluster in a fresh temporary folder and starts it. When
// it fails, nothing is left behind.
func startCluster(bin string) (*cluster, error) {
	removeOrphans(os.TempDir())
	dir, err := makeDir(os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("create a folder for the cluster: %w", err)
	}
	c := &cluster{bin: bin, dir: dir, password: rand.Text()}
	if err := c.initAndServe(); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) initAndServe() error {
	if err := c.init(); err != nil {
		return err
	}
	// The port is free when we look and taken a moment later if another process
	// is unlucky enough to get it too: then try another.
	var err error
	for range 3 {
		if err = c.serve(); err == nil {
			return nil
		}
	}
	return err
}

// init runs initdb. Passwords are asked for, in clear text: a test then notices
// code that loses the password of the URL, and SCRAM's deliberate slowness
// protects nothing on a loopback socket.
func (c *cluster) init() error {
	pwfile := filepath.Join(c.dir, "password")
	if err := writeFile(pwfile, c.password); err != nil {
		return fmt.Errorf("write the superuser's password: %w", err)
	}
	return c.run("initdb", "--pgdata="+c.data(), "--username="+superuser, "--pwfile="+pwfile,
		"--auth=password", "--encoding=UTF8", "--no-locale", "--no-sync")
}

// serve starts the server on a free port and waits until it answers.
func (c *cluster) serve() error {
	port, err := freePort()
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	c.port = port
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(),
		"-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", c.dir,
		// Nothing here has to survive a power cut.
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off",
		// Several pools of the program under test at once, in parallel tests.
		"-c", "max_connections=300")
	cmd.Dir = c.dir
	if c.server, err = startProcess(cmd, c.logFile()); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	if err := c.awaitReady(); err != nil {
		c.server.stop()
		return fmt.Errorf("%w; its log ends:\n%s", err, tail(c.logFile()))
	}
	return nil
}

// awaitReady returns when the server accepts connections, or has ended instead.
func (c *cluster) awaitReady() error {
	timeout := time.After(startTimeout)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c.run("pg_isready", "--quiet", "--host=127.0.0.1", "--port="+strconv.Itoa(c.port)) == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-c.server.ended:
			return errors.New("postgres ended at once")
		case <-timeout:
			return fmt.Errorf("postgres did not answer within %s", startTimeout)
		}
	}
}

// stop ends the server and removes its folder.
func (c *cluster) stop() {
	if c.server != nil {
		c.server.stop()
	}
	_ = os.RemoveAll(c.dir) // what stays is removed by a later process, see removeOrphans
}

// createDatabase makes an empty database and returns its name. It copies
// template0, which nobody can be connected to and so never is "in use".
func (c *cluster) createDatabase() (string, error) {
	name := fmt.Sprintf("test_%d", c.created.Add(1))
	return name, c.run("createdb", "--no-password", "--maintenance-db="+c.url("postgres"), "--template=template0", name)
}

// dropDatabase removes a database and throws out whoever is still connected.
func (c *cluster) dropDatabase(name string) error {
	return c.run("dropdb", "--no-password", "--maintenance-db="+c.url("postgres"), "--if-exists", "--force", name)
}

func (c *cluster) url(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Path:     database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// run executes one of PostgreSQL's helper programs to its end. Its output
// becomes part of the error, its arguments do not: they may hold the password.
func (c *cluster) run(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir // root's own folder is often closed to the user we switch to
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = unprivileged()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}

func (c *cluster) data() string    { return filepath.Join(c.dir, "data") }
func (c *cluster) logFile() string { return filepath.Join(c.dir, "log") }

// freePort asks the kernel for a TCP port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail returns the last lines of a small log file.
func tail(file string) string {
	const keep = 2000
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-keep):])
}
