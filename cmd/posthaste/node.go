package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"golang.org/x/net/netutil"

	"github.com/posthaste/posthaste/activities"
	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/courier"
	"github.com/posthaste/posthaste/internal/engine"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/logs"
	"github.com/posthaste/posthaste/internal/safehttp"
	"github.com/posthaste/posthaste/internal/series"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
	"github.com/posthaste/posthaste/worker"
	"github.com/posthaste/posthaste/workflows"
)

// drainTimeout is the time for which stopping waits for requests to the API that are under way, before it cuts them off.
const drainTimeout = 10 * time.Second

// node is a running posthaste: the parts a command asked for, started one by one in the order of these methods.
type node struct {
	*stack
	log       *slog.Logger
	libraries *slog.Logger // for the log lines of Temporal's client and server

	metricsListener net.Listener // nil without an address for metrics

	listener net.Listener
	registry *prometheus.Registry // the metrics of all parts

	// These count by tenant; nil without metrics by tenant.
	countAccepted func(tenant string)
	countAttempt  func(tenant string, outcome models.DeliveryStatus)

	tracer    *tracing.Tracer // nil: there are no traces
	store     *store.Store
	engine    *engine.Engine // nil with an external Temporal
	temporal  client.Client
	address   string // of Temporal
	namespace string
	binding   *binding
	sender    *safehttp.Client
	control   *worker.Control
	dispatch  *worker.Dispatcher
}

func newNode(log *slog.Logger) *node {
	return &node{stack: newStack(), log: log, libraries: slog.New(logs.NewRepeats(log.Handler())), registry: prometheus.NewRegistry()}
}

// listen takes the API's address before anything slow is started.
func (n *node) listen(address string) error {
	listener, err := n.take(address, "--listen")
	n.listener = listener
	return err
}

// take takes an address, which the flag names.
func (n *node) take(address, flag string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w (choose another address with %s)", err, flag)
	}
	n.push("listener", func(context.Context) error {
		_ = listener.Close() // closed already where the server ran
		return nil
	})
	return listener, nil
}

// openStore opens the database. It refuses a database that lacks migrations.
func (n *node) openStore(ctx context.Context, cfg config.Store, keys *keyring.Ring) error {
	return n.openStoreThen(ctx, cfg, keys, (*store.Store).CheckMigrated)
}

// openDevStore opens the database of dev, and migrates it if no server can own it: the file in the data folder, or a
// Postgres database that has none of our tables yet.
func (n *node) openDevStore(ctx context.Context, cfg config.Store, keys *keyring.Ring) error {
	return n.openStoreThen(ctx, cfg, keys, func(s *store.Store, ctx context.Context) error {
		known, err := s.MigrationStatus(ctx)
		if err != nil {
			return err
		}
		used := slices.ContainsFunc(known, func(m store.Migration) bool { return !m.Pending })
		if used && cfg.DatabaseURL != "" {
			return s.CheckMigrated(ctx)
		}
		applied, err := s.Migrate(ctx)
		if used && len(applied) > 0 {
			n.log.Info("database.migrated", "applied", strings.Join(applied, ", "))
		}
		return err
	})
}

func (n *node) openStoreThen(
	ctx context.Context, cfg config.Store, keys *keyring.Ring, migrated func(*store.Store, context.Context) error,
) error {
	s, err := openStore(ctx, cfg, keys, n.log)
	if err != nil {
		return err
	}
	n.store = s
	n.registerStore()
	n.push("store", func(context.Context) error { return s.Close() })
	if err := migrated(s, ctx); err != nil {
		return err
	}
	return adviseKey(s.CheckKeys(ctx))
}

// uiColumns are the columns of the Web UI's list of workflows: the failure, its receiver and since when. More do not fit.
var uiColumns = []string{"Status", "DeliveryStatus", "Receiver", "FailingSince", "EventType", "Tenant", "Workflow ID", "Start"}

// startEngine starts the embedded Temporal.
func (n *node) startEngine(ctx context.Context, cfg config.Engine, state engine.Store) error {
	spendMemory()
	e, err := engine.Start(ctx, engine.Options{
		Listen: cfg.TemporalListen, UIListen: cfg.UIListen, Store: state,
		Namespace: workflows.Namespace, Retention: cfg.HistoryRetention, UIColumns: uiColumns,
		SearchAttributes: workflows.SearchAttributes(), Logger: n.libraries, Registry: n.registry,
	})
	if listen, ok := errors.AsType[*engine.ListenError](err); ok {
		flags := map[string]string{"Listen": "--temporal-listen", "UIListen": "--ui-listen"}
		return fmt.Errorf("%w (choose another address with %s)", err, flags[listen.Option])
	}
	if errors.Is(err, engine.ErrInUse) {
		return fmt.Errorf("%w (another posthaste runs on this data; stop it, or choose other data with --data)", err)
	}
	if err != nil {
		return err
	}
	n.engine = e
	n.push("temporal", e.Stop)
	return nil
}

// connect makes the client of the embedded Temporal, or of the Temporal that the environment names. It does not wait for
// an external Temporal, which may be away while events are accepted. Whether the store belongs to an embedded Temporal is
// checked at once.
func (n *node) connect(ctx context.Context) error {
	limitMemory(n.log)
	options, err := n.clientOptions()
	if err != nil {
		return err
	}
	options.Identity = identity()
	options.MetricsHandler = series.NewClient(n.registry)
	options.Logger = sdklog.NewStructuredLogger(slog.New(quieter{n.libraries.Handler()}))
	n.binding = &binding{store: n.store, namespace: options.Namespace, refused: n.fail}
	options.Interceptors = append(options.Interceptors, n.binding)
	c, err := client.NewLazyClient(options)
	if err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	n.binding.client = c
	n.temporal, n.address, n.namespace = c, options.HostPort, options.Namespace
	n.control = worker.NewControl(c, n.store)
	n.push("temporal client", func(context.Context) error { c.Close(); return nil })
	if n.engine != nil {
		if err := n.binding.bind(ctx); err != nil {
			return err
		}
	}
	n.inBackground("binding", func(ctx context.Context) { n.binding.watch(ctx, n.log.With("temporal", n.address)) })
	return nil
}

func (n *node) clientOptions() (client.Options, error) {
	if n.engine == nil {
		options, named, err := config.TemporalClient(workflows.Namespace)
		if err == nil && !named {
			n.log.Warn("temporal.address_assumed", "temporal", options.HostPort, "hint", "TEMPORAL_ADDRESS names another one than this machine's")
		}
		return options, err
	}
	return client.Options{
		HostPort: n.engine.Address(), Namespace: workflows.Namespace,
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}},
	}, nil
}

// identity is the name of this process in the Web UI.
func identity() string {
	host, _ := os.Hostname() // the name is only informative, so it may be empty
	return fmt.Sprintf("posthaste-%d@%s", os.Getpid(), host)
}

// openSender makes the HTTP client of deliveries, which also checks the URLs of subscriptions.
func (n *node) openSender(cfg config.Delivery) error {
	allow, err := safehttp.ParseAllow(cfg.AllowNetworks)
	if err != nil {
		return err
	}
	n.sender = safehttp.New(safehttp.Options{Allow: allow, Proxy: cfg.Proxy.URL()})
	n.push("sender", func(context.Context) error { n.sender.Close(); return nil })
	return nil
}

// startWorker runs the workflows and activities. While an external Temporal is away, it keeps trying to start.
func (n *node) startWorker(cfg config.Delivery) error {
	acts, err := activities.New(activities.Deps{
		Store: n.store, Courier: courier.NewHTTP(courier.HTTPOptions{Sender: n.sender, Version: version()}),
		Control: n.control, Logger: n.log, DeadLetterHold: cfg.DeadLetterHold, Registry: n.registry, CountAttempt: n.countAttempt,
		Tracer: n.tracer,
	})
	if err != nil {
		return err
	}
	n.inBackground("worker", func(ctx context.Context) { n.work(ctx, acts) })
	return nil
}

// startDispatcher starts the dispatcher, which turns accepted events into workflows, and removes data that have ended.
func (n *node) startDispatcher(cfg config.Delivery, keep config.Retention) {
	n.dispatch = worker.NewDispatcher(worker.DispatcherOptions{
		Client: n.temporal, Control: n.control, Store: n.store, Logger: n.log, Namespace: n.namespace,
		Mode:      func(tenant string) models.DeliveryMode { return models.DeliveryMode(cfg.Mode(tenant)) },
		Retention: models.Retention(keep), Registry: n.registry,
	})
	n.inBackground("dispatcher", n.dispatch.Run)
}

// serve serves the API on the address that listen took.
func (n *node) serve(cfg config.API, uiURL string) error {
	certificates := receivers.NewFetcher(&http.Client{Transport: n.sender.RoundTripper()})
	handler, err := api.New(api.Deps{
		Store: n.store, Dispatcher: n.dispatch, Control: n.control, Destinations: n.sender,
		Engine: n.control, Logger: n.log, Certificates: receivers.NewCertificates(certificates, nil),
		APIKey: cfg.APIKey, MaxBody: cfg.MaxBody, BodyBudget: cfg.BodyBudget, UIURL: uiURL, Namespace: n.namespace, Version: version(),
		CountAccepted: n.countAccepted, Registry: n.registry, Tracer: n.tracer,
	})
	if err != nil {
		return err
	}
	n.serveOn(capped(n.listener, cfg.MaxConnections), handler, "API")
	return nil
}

// serveOn serves the handler as a part of the process.
func (n *node) serveOn(listener net.Listener, handler http.Handler, name string) {
	server := newServer(handler, n.log)
	go func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			n.fail(fmt.Errorf("the %s stopped: %w", name, err))
		}
	}()
	n.push(name, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, drainTimeout)
		defer cancel()
		return errors.Join(server.Shutdown(ctx), server.Close())
	})
}

// newServer makes a server that bounds the time that a caller may take for each part of a request and between requests.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// capped bounds the connections of a listener; 0 means no bound. Further connections wait in the kernel's queue.
func capped(listener net.Listener, most int) net.Listener {
	if most == 0 {
		return listener
	}
	return netutil.LimitListener(listener, most)
}

// apiURL returns the URL of the API.
func (n *node) apiURL() string { return "http://" + n.listener.Addr().String() }

// uiURL returns the URL of the embedded Temporal's Web UI; empty without one.
func (n *node) uiURL() string {
	if n.engine == nil {
		return ""
	}
	return n.engine.UIURL()
}

// finish runs until ctx ends or a part fails, then stops everything. It calls stopping first, which announces the stop.
func (n *node) finish(ctx context.Context, stopping func()) error {
	err := n.wait(ctx)
	stopping()
	if stopErr := n.stop(); err == nil {
		err = stopErr
	}
	return err
}
