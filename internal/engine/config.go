package engine

import (
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	dc "go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// clusterName is kept in the store with every namespace: never change it.
const clusterName = "active"

const (
	mainStore       = "main"
	visibilityStore = "visibility"
)

// serverOptions configures Temporal.
func serverOptions(p *ports, db *database, log logger, tuning dc.Client, measures metrics.Handler) []temporal.ServerOption {
	return []temporal.ServerOption{
		temporal.WithConfig(serverConfig(p, db)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(staticHosts(p)),
		temporal.WithDynamicConfigClient(tuning),
		temporal.WithLogger(log),
		temporal.WithCustomMetricsHandler(measures),
		// The ports are the boundary, see the package comment: everyone may do everything.
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
	}
}

func serverConfig(p *ports, db *database) *config.Config {
	return &config.Config{
		Global:              config.Global{Membership: membership()},
		Persistence:         persistence(db),
		ClusterMetadata:     clusterMetadata(p),
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services(p),
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		PublicClient: config.PublicClient{HostPort: p.frontendAddress()},
	}
}

// membership looks idle, for the hosts are static. But Temporal gives its services
// twice MaxJoinDuration to start, and the 15 seconds it allows otherwise are
// little for a busy machine.
func membership() config.Membership {
	return config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback.String()}
}

func persistence(db *database) config.Persistence {
	return config.Persistence{
		DefaultStore:     mainStore,
		VisibilityStore:  visibilityStore,
		NumHistoryShards: db.shards,
		DataStores: map[string]config.DataStore{
			mainStore:       {SQL: db.main},
			visibilityStore: {SQL: db.visibility},
		},
	}
}

// clusterMetadata describes a single cluster that does not replicate.
func clusterMetadata(p *ports) *cluster.Config {
	return &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: p.frontendAddress()},
		},
	}
}

func services(p *ports) map[string]config.Service {
	all := map[string]config.Service{
		string(primitives.FrontendService): service(p.frontend.IP, p.frontend.Port),
	}
	for name, port := range p.internal {
		all[string(name)] = service(loopback, port)
	}
	return all
}

func service(ip net.IP, port int) config.Service {
	return config.Service{RPC: config.RPC{BindOnIP: ip.String(), GRPCPort: port}}
}

// staticHosts tells the services where each of them is, which saves the gossip
// protocol of a cluster and its ports.
func staticHosts(p *ports) map[primitives.ServiceName]static.Hosts {
	hosts := map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: static.SingleLocalHost(p.frontendAddress()),
	}
	for name, port := range p.internal {
		hosts[name] = static.SingleLocalHost(net.JoinHostPort(loopback.String(), strconv.Itoa(port)))
	}
	return hosts
}
