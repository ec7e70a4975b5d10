package engine

import (
	"time"

	dc "go.temporal.io/server/common/dynamicconfig"
)

// checkpointInterval is how often a history queue notes how far it has come.
// Finished tasks stay in memory until then and each newly read range walks over
// them, so Temporal's 30 seconds cost us 40 % of all CPU under load; a checkpoint
// itself is one small write per queue and shard.
const checkpointInterval = 2 * time.Second

// unlimited stands for a rate limit that should never be met. The defaults protect
// the nodes of a cluster from one another and from their tenants; here is one
// node with one tenant, which slows down by itself when it is busy, whereas a
// refused request is retried with a backoff and costs more than it saves.
const unlimited = 100_000

// dynamicConfig holds the values that differ from Temporal's defaults, or that
// Posthaste leans on. Numbers must be plain ints: Temporal ignores other types.
var dynamicConfig = dc.StaticClient{
	dc.TransferProcessorUpdateAckInterval.Key():   checkpointInterval,
	dc.TimerProcessorUpdateAckInterval.Key():      checkpointInterval,
	dc.VisibilityProcessorUpdateAckInterval.Key(): checkpointInterval,

	// The lists of workflows may be up to a second old. A row of the visibility
	// database costs as much as all other writes of a workflow task together, and only
	// the last row is written for a workflow that has closed meanwhile. The larger page
	// makes up for the rarer reading.
	dc.VisibilityProcessorMaxPollRPS.Key():           1, // of each shard
	dc.VisibilityTaskBatchSize.Key():                 1000,
	dc.VisibilityProcessorSchedulerWorkerCount.Key(): 4, // a burst of them must not delay deliveries

	// We keep nothing outside the history, so nothing has to be searched for
	// references to it.
	dc.ExternalPayloadsEnabled.Key(): false,

	// A task queue is split so that several nodes can serve it. On one node the
	// parts only make pollers miss tasks that wait in another part, and rate limits
	// are divided by their number.
	dc.MatchingNumTaskqueueReadPartitions.Key():  1,
	dc.MatchingNumTaskqueueWritePartitions.Key(): 1,

	// Task queues hand out tasks in turn between fairness keys: workflow tasks between
	// tenants, so that a tenant with a very wide event does not delay all others, and
	// attempts between sixteen groups of a tenant's subscriptions. No cost could be
	// measured.
	dc.MatchingEnableFairness.Key(): true,

	// The columns are VARCHAR(255): a longer id must be refused with a message when
	// it comes in, not by the database when it is written.
	dc.MaxIDLengthLimit.Key(): 255,

	// Both are defaults. They are pinned because the first attempt of a delivery
	// relies on them for its latency.
	dc.EnableEagerWorkflowStart.Key():     true,
	dc.EnableActivityEagerExecution.Key(): true,

	// Lists and counts are limited to 10 a second, which one page of the Web UI
	// with its counters can reach, and our own lists share.
	dc.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,

	// 128,000 cached workflows could take gigabytes; a node of this size has a few
	// thousand in motion at a time, and the rest is a read away.
	dc.HistoryCacheHostLevelMaxSize.Key(): 8096,

	// See unlimited. Every dispatch of a task and every poll counts against
	// matching's 1,200, the lowest of them.
	dc.FrontendRPS.Key():                        unlimited,
	dc.FrontendMaxNamespaceRPSPerInstance.Key(): unlimited,
	dc.HistoryRPS.Key():                         unlimited,
	dc.MatchingRPS.Key():                        unlimited,
	dc.FrontendPersistenceMaxQPS.Key():          unlimited,
	dc.HistoryPersistenceMaxQPS.Key():           unlimited,
	dc.MatchingPersistenceMaxQPS.Key():          unlimited,
}

// tuning is the server's source of dynamic settings.
func tuning(untuned bool) dc.Client {
	if untuned {
		return dc.NewNoopClient()
	}
	return dynamicConfig
}
