package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/terminal"
)

// deployment is a server to measure.
type deployment struct {
	url, key string
	pid      int
	archive  bench.Archive
}

// measure measures the named server, or starts one and measures that.
func (b *benchRun) measure(ctx context.Context) (results []bench.Result, err error) {
	var at receiverUp
	receiver, err := startChild(ctx, nil, word(&at), "bench-receiver", "--listen", b.Receiver)
	if err != nil {
		return nil, err
	}
	defer receiver.stop()
	b.log.DebugContext(ctx, "bench.receiver_started", "url", at.Receiver)
	if b.URL != "" {
		return b.scenarios(ctx, at, deployment{url: b.URL, key: b.APIKey, pid: b.ServerPID})
	}
	err = b.inFolder(func(folder string) error {
		results, err = b.measureOwn(ctx, at, folder)
		return err
	})
	return results, err
}

// measureOwn starts a server with its files in the folder, measures it and stops it.
func (b *benchRun) measureOwn(ctx context.Context, at receiverUp, folder string) ([]bench.Result, error) {
	allowed, err := hostOf(at.Receiver)
	if err != nil {
		return nil, err
	}
	key := rand.Text()
	var up serverUp
	server, err := startChild(ctx, append(b.database(), "POSTHASTE_API_KEY="+key, "POSTHASTE_MASTER_KEY="+b.masterKey), word(&up),
		"bench-server", "--engine", b.Engine, "--data", folder, "--allow-networks", allowed, "--delivery-mode", b.Mode, "--cpu-profile", b.Profile,
		"--retention", "0s", // growth and retention store events of the past
		"--listen", "127.0.0.1:0", "--ui-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer server.stop()
	b.log.DebugContext(ctx, "bench.server_started", "url", up.API)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // ends with the server
		<-server.ended
		cancel(fmt.Errorf("the server ended: %w", server.complaint()))
	}()
	archive, err := b.archive(ctx, folder)
	if err != nil {
		return nil, err
	}
	results, err := b.scenarios(ctx, at, deployment{url: up.API, key: key, pid: server.command.Process.Pid, archive: archive})
	err = errors.Join(err, archive.Database.Close())
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return results, err
}

// scenarios runs them against a deployment.
func (b *benchRun) scenarios(ctx context.Context, at receiverUp, d deployment) ([]bench.Result, error) {
	api, err := client.New(d.url, d.key, client.WithActor("bench"))
	if err != nil {
		return nil, terminal.Usage(err)
	}
	publish, err := client.New(d.url, d.key, client.WithActor("bench"), client.WithMaxAttempts(1))
	if err != nil {
		return nil, terminal.Usage(err)
	}
	return bench.Run(ctx, bench.Options{
		Client: api, Publish: publish, Receiver: at.Receiver, Control: at.Control,
		ServerPID: d.pid, Postgres: b.postgres, Archive: d.archive,
		Events: b.Events, Waiting: b.Waiting, Fanout: b.Fanout, Sizes: b.Sizes, Concurrency: b.Concurrency, Rate: b.Rate, Subscribers: b.Subscribers, Calm: b.Calm,
		Duration: b.Duration, Due: b.Due, Rest: b.Rest, Timeout: b.Timeout, Patience: b.Patience, Settle: b.Settle,
		Progress: b.progress.show,
	}, b.Scenarios...)
}

// inFolder calls do with a new folder, which it removes afterwards.
func (b *benchRun) inFolder(do func(folder string) error) error {
	folder, err := os.MkdirTemp(b.Data, "posthaste-bench-*")
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return errors.Join(do(folder), os.RemoveAll(folder))
}

// database is the environment by which a child finds its database. For SQLite it names none, whatever our own environment
// says.
func (b *benchRun) database() []string {
	if b.Store == storePostgres {
		return []string{"POSTHASTE_DATABASE_URL=" + b.DatabaseURL}
	}
	return []string{"POSTHASTE_DATABASE_URL="}
}

// hostOf is the host of a URL with an address, as a network.
func hostOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	ip, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]"))
	if err != nil {
		return "", err
	}
	return netip.PrefixFrom(ip, ip.BitLen()).String(), nil
}
